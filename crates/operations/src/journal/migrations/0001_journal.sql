-- Times are milliseconds since 1970-01-01 UTC. JSON is kept as text.

CREATE TABLE schema_history (
    version    INTEGER PRIMARY KEY,
    -- The version of the program that brought the file to this schema.
    written_by TEXT    NOT NULL
) STRICT;

CREATE TABLE operation (
    -- The order of starting.
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT    NOT NULL UNIQUE,
    kind             TEXT    NOT NULL,
    version          INTEGER NOT NULL,
    subject          TEXT    NOT NULL,
    plan             TEXT    NOT NULL,
    state            TEXT    NOT NULL
        CHECK (state IN ('running', 'cancelling', 'cancelled', 'failed', 'partial', 'succeeded')),
    committed        INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    leave_requested  INTEGER NOT NULL DEFAULT 0,
    -- A process identity as JSON; NULL when nobody works on it.
    owner            TEXT,
    epoch            INTEGER NOT NULL,
    heartbeat        INTEGER NOT NULL,
    started          INTEGER NOT NULL,
    ended            INTEGER,
    worked_ms        INTEGER NOT NULL DEFAULT 0,
    failure          TEXT,
    hint             TEXT,
    reasons          TEXT    NOT NULL DEFAULT '[]',
    outcome          TEXT
) STRICT;

CREATE TABLE step (
    operation TEXT    NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    -- The place in the sequence; the children of a fan-out share one and differ by key.
    position  INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    state     TEXT    NOT NULL
        CHECK (state IN ('running', 'done', 'failed', 'undone', 'undo_failed')),
    undoable  INTEGER NOT NULL,
    started   INTEGER NOT NULL,
    ended     INTEGER,
    attempts  INTEGER NOT NULL DEFAULT 1,
    result    TEXT,
    progress  TEXT,
    reasons   TEXT    NOT NULL DEFAULT '[]',
    PRIMARY KEY (operation, position, key)
) STRICT, WITHOUT ROWID;

-- What operations destroyed: one line for each action on each item, however often its step ran.
CREATE TABLE audit (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT    NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    at        INTEGER NOT NULL,
    action    TEXT    NOT NULL,
    item      TEXT    NOT NULL,
    bytes     INTEGER NOT NULL,
    reason    TEXT    NOT NULL,
    UNIQUE (operation, action, item)
) STRICT;

-- The row stays when the lease is free, so that epochs never go back.
CREATE TABLE lease (
    name      TEXT    PRIMARY KEY,
    purpose   TEXT    NOT NULL,
    owner     TEXT,
    epoch     INTEGER NOT NULL,
    heartbeat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
