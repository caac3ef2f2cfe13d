-- Begins a step, or begins it again; gives the number of attempts.
-- ?1 operation, ?2 position, ?3 key, ?4 name, ?5 state, ?6 undoable, ?7 now.
INSERT INTO step (operation, position, key, name, state, undoable, started)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (operation, position, key) DO UPDATE
SET name = ?4, state = ?5, undoable = ?6, started = ?7, ended = NULL, attempts = step.attempts + 1, result = NULL,
    progress = NULL, reasons = '[]'
RETURNING attempts;
