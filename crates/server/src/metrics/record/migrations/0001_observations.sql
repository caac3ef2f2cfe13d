-- Times are milliseconds since 1970-01-01 UTC. JSON is kept as text.

CREATE TABLE schema_history (
    version    INTEGER PRIMARY KEY,
    -- The version of the program that brought the file to this schema.
    written_by TEXT    NOT NULL
) STRICT;

-- Looks at vaults and databases. Of days that are over, the last one of each stays.
CREATE TABLE observation (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT    NOT NULL CHECK (kind IN ('vault', 'database')),
    name    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    took_ms INTEGER NOT NULL,
    -- Why nothing was seen; NULL when something was.
    failure TEXT,
    seen    TEXT,
    CHECK ((failure IS NULL) <> (seen IS NULL))
) STRICT;

CREATE INDEX observation_of ON observation (kind, name, number);

-- Sums over all operations that ever ended. Labels are a JSON object with sorted keys.
CREATE TABLE total (
    name   TEXT NOT NULL,
    labels TEXT NOT NULL,
    value  REAL NOT NULL,
    PRIMARY KEY (name, labels)
) STRICT, WITHOUT ROWID;

-- Up to which change of the journal operations are in the totals; one row.
CREATE TABLE cursor (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL
) STRICT;
INSERT INTO cursor VALUES (1, 0);
