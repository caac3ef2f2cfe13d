-- What became of operations, in the order in which it was recorded; kept as long as the operation is. Written by triggers,
-- so that no change of state is without its line. Numbers only grow, and are never given again.
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

INSERT INTO change (operation, epoch, state, at)
SELECT id, epoch, state, coalesce(ended, started) FROM operation
WHERE state NOT IN ('running', 'cancelling')
ORDER BY ended, number;

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
