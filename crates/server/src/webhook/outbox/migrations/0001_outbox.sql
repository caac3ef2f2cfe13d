-- Times are milliseconds since 1970-01-01 UTC. JSON is kept as text.

CREATE TABLE schema_history (
    version    INTEGER PRIMARY KEY,
    -- The version of the program that brought the file to this schema.
    written_by TEXT    NOT NULL
) STRICT;

CREATE TABLE webhook (
    name       TEXT    PRIMARY KEY,
    created    INTEGER NOT NULL,
    definition TEXT    NOT NULL,
    secret     TEXT    NOT NULL
) STRICT;

-- Where the outcome of an operation is sent; gone when its message is in the outbox.
CREATE TABLE callback (
    operation TEXT    PRIMARY KEY,
    url       TEXT    NOT NULL,
    created   INTEGER NOT NULL
) STRICT;

-- The outbox.
CREATE TABLE delivery (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    -- NULL for the outcome of an operation, whose address is in `url`.
    webhook   TEXT    REFERENCES webhook (name) ON DELETE CASCADE,
    url       TEXT,
    -- What it tells; a webhook is told it once.
    key       TEXT    NOT NULL,
    event     TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    created   INTEGER NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0,
    -- When it is sent next; NULL when it was taken or given up.
    due       INTEGER,
    delivered INTEGER,
    failure   TEXT,
    CHECK ((webhook IS NULL) <> (url IS NULL))
) STRICT;

CREATE UNIQUE INDEX delivery_once ON delivery (coalesce(webhook, ''), key);
CREATE INDEX delivery_due ON delivery (due) WHERE due IS NOT NULL;

-- Up to which change of the journal the outbox was filled; one row.
CREATE TABLE cursor (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL
) STRICT;
