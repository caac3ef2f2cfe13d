-- Ends an operation.
-- ?1 id, ?2 state, ?3 outcome, ?4 reasons, ?5 hint, ?6 failure, ?7 now,
-- ?8 milliseconds since the last heartbeat.
UPDATE operation
SET state = ?2, outcome = ?3, reasons = ?4, hint = ?5, failure = ?6, owner = NULL, ended = ?7,
    heartbeat = ?7, worked_ms = worked_ms + ?8
WHERE id = ?1;
