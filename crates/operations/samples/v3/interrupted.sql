-- A journal of schema version 3, as `sqlite3 operations.db .dump` gives it: one operation of kind `sample`, version 1,
-- whose process died in its second step. Tests of every later program resume it; it is never changed.
PRAGMA application_id = 1330861130;
PRAGMA user_version = 3;
BEGIN;

CREATE TABLE schema_history (
    version    INTEGER PRIMARY KEY,
    written_by TEXT    NOT NULL
) STRICT;

CREATE TABLE operation (
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

CREATE TABLE message (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT    NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    at        INTEGER NOT NULL,
    text      TEXT    NOT NULL,
    UNIQUE (operation, text)
) STRICT;

CREATE TABLE lease (
    name      TEXT    PRIMARY KEY,
    purpose   TEXT    NOT NULL,
    owner     TEXT,
    epoch     INTEGER NOT NULL,
    heartbeat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE change (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT    NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    -- The how-manieth owner it had.
    epoch     INTEGER NOT NULL,
    -- A state of an operation, or `interrupted` for one that was left to be resumed.
    state     TEXT    NOT NULL,
    -- When its owner last said something, which for a request of others is a little earlier.
    at        INTEGER NOT NULL
) STRICT;

CREATE INDEX change_of ON change (operation);

INSERT INTO schema_history VALUES (1, '0.1.0');
INSERT INTO schema_history VALUES (2, '0.1.0');
INSERT INTO schema_history VALUES (3, '0.1.0');
INSERT INTO operation VALUES (1, '000102030405060708090a0b0c0d0e0f', 'sample', 1, 'a sample', '{"numbers":[1,2]}',
    'running', 0, 0, 0, '{"host":"sample","boot":"00000000-0000-0000-0000-000000000000","pid":4242,"started":99}',
    1, 1790000005000, 1790000000000, NULL, 5000, NULL, NULL, '[]', NULL);
INSERT INTO step VALUES ('000102030405060708090a0b0c0d0e0f', 0, '', 'prepare', 'done', 1, 1790000001000, 1790000002000, 1,
    '{"made":"sample"}', NULL, '[]');
INSERT INTO step VALUES ('000102030405060708090a0b0c0d0e0f', 1, '1', 'number', 'done', 0, 1790000002000, 1790000003000, 1,
    '10', '{"done":10,"total":10,"unit":"bytes","items":1}', '[]');
INSERT INTO step VALUES ('000102030405060708090a0b0c0d0e0f', 1, '2', 'number', 'running', 0, 1790000003000, NULL, 1,
    NULL, NULL, '[]');
INSERT INTO audit VALUES (1, '000102030405060708090a0b0c0d0e0f', 1790000002500, 'delete sample', 'one', 1, 'a rule');
INSERT INTO message VALUES (1, '000102030405060708090a0b0c0d0e0f', 1790000000500, 'it is a sample');
INSERT INTO change VALUES (1, '000102030405060708090a0b0c0d0e0f', 1, 'running', 1790000000000);
INSERT INTO lease VALUES ('sample', 'to be a sample', NULL, 7, 1790000000000);
CREATE TRIGGER operation_created AFTER INSERT ON operation
BEGIN
    INSERT INTO change (operation, epoch, state, at) VALUES (NEW.id, NEW.epoch, NEW.state, NEW.heartbeat);
END;

CREATE TRIGGER operation_changed AFTER UPDATE OF state, epoch ON operation
WHEN NEW.state <> OLD.state OR NEW.epoch <> OLD.epoch
BEGIN
    INSERT INTO change (operation, epoch, state, at) VALUES (NEW.id, NEW.epoch, NEW.state, NEW.heartbeat);
END;

CREATE TRIGGER operation_left AFTER UPDATE OF owner ON operation
WHEN NEW.owner IS NULL AND OLD.owner IS NOT NULL AND NEW.state IN ('running', 'cancelling')
BEGIN
    INSERT INTO change (operation, epoch, state, at) VALUES (NEW.id, NEW.epoch, 'interrupted', NEW.heartbeat);
END;
COMMIT;
