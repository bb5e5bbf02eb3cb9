BEGIN TRANSACTION;
CREATE TABLE api_key (
  id          TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  name        TEXT NOT NULL,
  sha256      TEXT NOT NULL UNIQUE,
  operator    INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  revoked_at  INTEGER
) STRICT;
INSERT INTO "api_key" VALUES('k1','alpha','laptop','abababababababababababababababababababababababababababababababab',0,1795521600123456789,NULL);
CREATE TABLE build_step (
  step_key    TEXT PRIMARY KEY,
  project     TEXT NOT NULL,
  snapshot    TEXT NOT NULL,
  layers      TEXT NOT NULL,
  layer       TEXT,
  used_bytes  INTEGER NOT NULL,
  last_used   INTEGER NOT NULL
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
INSERT INTO "project_usage" VALUES('alpha',20781,1,2,3,4,5,6);
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
, entrypoint TEXT, outcome TEXT, secret_env TEXT) STRICT;
INSERT INTO "sandbox" VALUES('00000000000000000000000000000001','alpha','one','{"role":"wörker","quote":"a\"b''c"}','00000000000000000000000000000007','base','CONTAINER',1500,536870912,3221225472,0,'{"EMPTY":"","PATH":"/bin"}','daytona','/home/daytona','NONE','[{"in":"RUNNING","since":"LAST_ACTIVITY","after":900000000000,"action":"STOP","counts":[]},{"in":"STOPPED","since":"ENTERING_STATE","after":0,"action":"DELETE","counts":["API_CALL","STDIN"]}]','{"face":"daytona"}','RUNNING','SNAPSHOTTING',1795521605123456789,'it broke',3,'00000000000000000000000000000063',1795521601123456789,1795521610123456789,1795521620123456789,'["00000000000000000000000000000001","00000000000000000000000000000002"]','00000000000000000000000000000032','key','[1,2,3,4,5,6]','{"argv":["sleep","infinity"],"tty":{"columns":80,"rows":24,"term":"xterm"},"endsSandbox":true}','{"kind":"EXITED","exit":{"code":137,"signal":9,"oomKilled":true,"timedOut":false,"stdoutBytes":10,"stderrBytes":20,"endedAt":1795521630123456789},"detail":"déjà vu","endedAt":1795521631123456789}','c2VhbGVk');
CREATE TABLE sandbox_usage (
  sandbox              TEXT PRIMARY KEY,
  cpu_micros           INTEGER NOT NULL,
  memory_byte_seconds  INTEGER NOT NULL,
  disk_byte_seconds    INTEGER NOT NULL,
  network_received     INTEGER NOT NULL,
  network_sent         INTEGER NOT NULL,
  oom_kills            INTEGER NOT NULL
) STRICT;
INSERT INTO "sandbox_usage" VALUES('00000000000000000000000000000001',1,2,3,4,5,6);
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
INSERT INTO "snapshot" VALUES('00000000000000000000000000000002','alpha','snap','00000000000000000000000000000001','00000000000000000000000000000007','["00000000000000000000000000000001"]',1099511627776,12345,700001,1795521602123456789,1795521660123456789,'READY');
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
, build_key TEXT) STRICT;
INSERT INTO "template" VALUES('00000000000000000000000000000003','alpha','mine','["00000000000000000000000000000001","00000000000000000000000000000002"]','{"env":{"A":"b"},"user":"root","workdir":"/work","entrypoint":["/init","-x"],"command":["sh","-c","true"],"shell":["/bin/bash","-c"],"labels":{"role":"x"},"exposedPorts":["80/tcp"]}',77,0,'["python:*"]',1795521600123456789,'READY','0000000000000000000000000000003c');
CREATE UNIQUE INDEX sandbox_name ON sandbox (project, name) WHERE state <> 'DELETED';
CREATE UNIQUE INDEX sandbox_idempotency ON sandbox (project, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX sandbox_page ON sandbox (project, created_at, id);
CREATE UNIQUE INDEX snapshot_name ON snapshot (project, name);
CREATE INDEX snapshot_expiry ON snapshot (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX template_name ON template (project, name);
CREATE UNIQUE INDEX secret_name ON secret (project, name) WHERE name IS NOT NULL;
CREATE INDEX secret_expiry ON secret (expires_at) WHERE expires_at IS NOT NULL;
COMMIT;
PRAGMA application_id = 1098149740;
PRAGMA user_version = 2;
