-- Operations, newest first, in the columns of operation.
-- ?1 how many.
SELECT id, kind, version, subject, plan, state, committed, cancel_requested, owner, epoch, heartbeat, started,
       ended, worked_ms, failure, hint, reasons, outcome
FROM operation
ORDER BY number DESC
LIMIT ?1;
