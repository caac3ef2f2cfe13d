-- What decides over an operation.
-- ?1 id.
SELECT state, committed, cancel_requested, owner, epoch, heartbeat FROM operation WHERE id = ?1;
