-- Operations, newest first, in the columns of operation.
-- ?1 how many, ?2 below which number.
SELECT id, kind, version, subject, plan, state, committed, cancel_requested, owner, epoch, heartbeat, started,
       ended, worked_ms, failure, hint, reasons, outcome
FROM operation
WHERE number < ?2
ORDER BY number DESC
LIMIT ?1;
