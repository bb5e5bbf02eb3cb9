-- Disks in the blob store. subject: id of a sandbox or a snapshot.
CREATE TABLE archive (
  sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
  id          TEXT NOT NULL UNIQUE,
  subject     TEXT NOT NULL,
  size_bytes  INTEGER NOT NULL,
  data_bytes  INTEGER NOT NULL,
  new_bytes   INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  state       TEXT NOT NULL
) STRICT;
CREATE INDEX archive_subject ON archive (subject);
