-- Instants are nanoseconds since 1970 (UTC), durations nanoseconds, days are days since 1970.
-- Lists and maps are JSON. An update of the schema is a new file, never a change of this one.

CREATE TABLE sandbox (
  id               TEXT PRIMARY KEY,
  project          TEXT NOT NULL,
  name             TEXT NOT NULL,
  labels           TEXT NOT NULL,
  template         TEXT NOT NULL,
  template_name    TEXT NOT NULL,
  isolation        TEXT NOT NULL,
  cpu_millis       INTEGER NOT NULL,
  memory_bytes     INTEGER NOT NULL,
  disk_bytes       INTEGER NOT NULL,
  gpus             INTEGER NOT NULL,
  env              TEXT NOT NULL,
  user_name        TEXT NOT NULL,
  workdir          TEXT NOT NULL,
  network          TEXT NOT NULL,
  rules            TEXT NOT NULL,
  attributes       TEXT NOT NULL,
  state            TEXT NOT NULL,
  operation        TEXT,
  operation_since  INTEGER,
  failure          TEXT,
  generation       INTEGER NOT NULL,
  parent           TEXT,
  created_at       INTEGER NOT NULL,
  state_since      INTEGER NOT NULL,
  last_activity    INTEGER NOT NULL,
  layers           TEXT NOT NULL,
  slot             TEXT,
  idempotency_key  TEXT,
  usage_at_boot    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX sandbox_name ON sandbox (project, name) WHERE state <> 'DELETED';
CREATE UNIQUE INDEX sandbox_idempotency ON sandbox (project, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX sandbox_page ON sandbox (project, created_at, id);

CREATE TABLE snapshot (
  id          TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  name        TEXT NOT NULL,
  sandbox     TEXT,
  template    TEXT NOT NULL,
  layers      TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL,
  used_bytes  INTEGER NOT NULL,
  blocked     INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER,
  state       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX snapshot_name ON snapshot (project, name);
CREATE INDEX snapshot_expiry ON snapshot (expires_at) WHERE expires_at IS NOT NULL;

-- project '' = built in, belongs to every project.
CREATE TABLE template (
  id          TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  name        TEXT NOT NULL,
  layers      TEXT NOT NULL,
  config      TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL,
  built_in    INTEGER NOT NULL,
  aliases     TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  state       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX template_name ON template (project, name);

CREATE TABLE api_key (
  id          TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  name        TEXT NOT NULL,
  sha256      TEXT NOT NULL UNIQUE,
  operator    INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  revoked_at  INTEGER
) STRICT;

CREATE TABLE sandbox_usage (
  sandbox              TEXT PRIMARY KEY,
  cpu_micros           INTEGER NOT NULL,
  memory_byte_seconds  INTEGER NOT NULL,
  disk_byte_seconds    INTEGER NOT NULL,
  network_received     INTEGER NOT NULL,
  network_sent         INTEGER NOT NULL,
  oom_kills            INTEGER NOT NULL
) STRICT;

CREATE TABLE project_usage (
  project              TEXT NOT NULL,
  day                  INTEGER NOT NULL,
  cpu_micros           INTEGER NOT NULL,
  memory_byte_seconds  INTEGER NOT NULL,
  disk_byte_seconds    INTEGER NOT NULL,
  network_received     INTEGER NOT NULL,
  network_sent         INTEGER NOT NULL,
  oom_kills            INTEGER NOT NULL,
  PRIMARY KEY (project, day)
) STRICT, WITHOUT ROWID;
