-- The volumes that a sandbox mounts: JSON.
ALTER TABLE sandbox ADD COLUMN volumes TEXT NOT NULL DEFAULT '[]';

CREATE TABLE volume (
  id          TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  name        TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  state       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX volume_name ON volume (project, name);
