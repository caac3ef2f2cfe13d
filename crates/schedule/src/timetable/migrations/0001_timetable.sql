-- Times are milliseconds since 1970-01-01 UTC. JSON is kept as text.

CREATE TABLE schema_history (
    version    INTEGER PRIMARY KEY,
    -- The version of the program that brought the file to this schema.
    written_by TEXT    NOT NULL
) STRICT;

CREATE TABLE schedule (
    name       TEXT    PRIMARY KEY,
    version    INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    -- Nominal moments up to this one have been decided on.
    decided    INTEGER NOT NULL,
    -- Since when and why it stands still; NULL when it does not.
    pause      TEXT,
    definition TEXT    NOT NULL
) STRICT;

CREATE TABLE firing (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule       TEXT    NOT NULL REFERENCES schedule (name) ON DELETE CASCADE,
    cause          TEXT    NOT NULL,
    due            INTEGER NOT NULL,
    stage          TEXT    NOT NULL CHECK (stage IN ('operation', 'keep', 'push', 'over')),
    state          TEXT    NOT NULL,
    began          INTEGER NOT NULL,
    ended          INTEGER,
    -- Recorded before the operation starts.
    operation      TEXT,
    keep_operation TEXT,
    missed         INTEGER NOT NULL DEFAULT 0,
    reasons        TEXT    NOT NULL DEFAULT '[]',
    -- The kind of the failure, when it failed.
    failure        TEXT,
    -- A process identity as JSON; NULL when nobody looks after it.
    owner          TEXT,
    epoch          INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE INDEX firing_of ON firing (schedule, number);
-- Of a schedule at most one run is not over.
CREATE UNIQUE INDEX firing_running ON firing (schedule) WHERE stage <> 'over';

-- Who said last that somebody runs what is due; one row.
CREATE TABLE beat (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    owner TEXT    NOT NULL,
    at    INTEGER NOT NULL
) STRICT;
