-- One operation, in the columns of newest_operations.
-- ?1 id.
SELECT id, kind, version, subject, plan, state, committed, cancel_requested, owner, epoch, heartbeat, started,
       ended, worked_ms, failure, hint, reasons, outcome
FROM operation
WHERE id = ?1;
