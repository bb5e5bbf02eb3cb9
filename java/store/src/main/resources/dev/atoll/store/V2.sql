-- The process a sandbox is for and how it ended: JSON, NULL = none. Its secret environment: sealed text.
ALTER TABLE sandbox ADD COLUMN entrypoint TEXT;
ALTER TABLE sandbox ADD COLUMN outcome TEXT;
ALTER TABLE sandbox ADD COLUMN secret_env TEXT;

-- The hash of all that a template was built from; NULL of one that was not built.
ALTER TABLE template ADD COLUMN build_key TEXT;

-- name NULL = ephemeral. The values are sealed with the node's key.
CREATE TABLE secret (
  id          TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  name        TEXT,
  keys        TEXT NOT NULL,
  sealed      TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  expires_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX secret_name ON secret (project, name) WHERE name IS NOT NULL;
CREATE INDEX secret_expiry ON secret (expires_at) WHERE expires_at IS NOT NULL;

-- What a step of a build left, by the hash of all that it depended on.
CREATE TABLE build_step (
  step_key    TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  snapshot    TEXT NOT NULL,
  layers      TEXT NOT NULL,
  layer       TEXT,
  used_bytes  INTEGER NOT NULL,
  last_used   INTEGER NOT NULL
) STRICT;
