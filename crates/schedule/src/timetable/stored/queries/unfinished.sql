-- Runs that are not over, the oldest first. No parameters.
SELECT number, schedule, cause, due, stage, state, began, ended, operation, keep_operation, missed, reasons, owner, epoch,
       failure, heard
FROM firing WHERE stage <> 'over' ORDER BY number;
