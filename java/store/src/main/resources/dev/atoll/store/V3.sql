-- What a snapshot has of memory: JSON, NULL = the disk alone.
ALTER TABLE snapshot ADD COLUMN memory TEXT;
