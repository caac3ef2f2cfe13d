-- Times are milliseconds since 1970-01-01 UTC. JSON is kept as text.

CREATE TABLE schema_history (
    version    INTEGER PRIMARY KEY,
    -- The version of the program that brought the file to this schema.
    written_by TEXT    NOT NULL
) STRICT;

-- Changes that somebody asked for. A line is written before the change is made.
CREATE TABLE change (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    -- How they were known: 'command', 'token', 'link', 'user'.
    known   TEXT    NOT NULL,
    address TEXT,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    before  TEXT
) STRICT;
CREATE INDEX change_at ON change (at);

-- How they went. A change without an ending is at work, or its process died over it.
CREATE TABLE ending (
    number  INTEGER PRIMARY KEY REFERENCES change (number),
    at      INTEGER NOT NULL,
    state   TEXT    NOT NULL CHECK (state IN ('done', 'refused')),
    after   TEXT,
    failure TEXT
) STRICT;

-- From when on nothing was removed, each time that the log was shortened by its rule.
CREATE TABLE shortened (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    before INTEGER NOT NULL
) STRICT;

-- Nothing is changed that was written, and nothing is removed but what is older than the rule keeps, which is written
-- down first.
CREATE TRIGGER change_stays BEFORE UPDATE ON change
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER ending_stays BEFORE UPDATE ON ending
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER shortened_stays BEFORE UPDATE ON shortened
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER shortened_is_kept BEFORE DELETE ON shortened
BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER change_is_kept BEFORE DELETE ON change
WHEN OLD.at >= (SELECT coalesce(max(before), 0) FROM shortened)
BEGIN SELECT RAISE(ABORT, 'the audit log is only shortened by its rule'); END;
CREATE TRIGGER ending_is_kept BEFORE DELETE ON ending
WHEN (SELECT at FROM change WHERE number = OLD.number) >= (SELECT coalesce(max(before), 0) FROM shortened)
BEGIN SELECT RAISE(ABORT, 'the audit log is only shortened by its rule'); END;
