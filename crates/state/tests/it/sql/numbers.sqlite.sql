-- A file of numbers, as it was first.
CREATE TABLE schema_history (version INTEGER PRIMARY KEY, written_by TEXT NOT NULL) STRICT;
CREATE TABLE number (value INTEGER PRIMARY KEY, word TEXT, bytes BLOB, fraction REAL) STRICT;
