-- One run. ?1 number.
SELECT number, schedule, cause, due, stage, state, began, ended, operation, keep_operation, missed, reasons, owner, epoch,
       failure, heard
FROM firing WHERE number = ?1;
