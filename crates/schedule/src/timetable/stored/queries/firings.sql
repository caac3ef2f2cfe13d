-- The newest runs of a schedule. ?1 schedule, ?2 limit.
SELECT number, schedule, cause, due, stage, state, began, ended, operation, keep_operation, missed, reasons, owner, epoch,
       failure, heard
FROM firing WHERE schedule = ?1 ORDER BY number DESC LIMIT ?2;
