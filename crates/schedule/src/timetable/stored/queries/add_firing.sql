-- Records a run and gives its number.
-- ?1 schedule, ?2 cause, ?3 due, ?4 stage, ?5 state, ?6 began, ?7 ended, ?8 operation, ?9 missed, ?10 reasons, ?11 owner,
-- ?12 when its owner said something.
INSERT INTO firing (schedule, cause, due, stage, state, began, ended, operation, missed, reasons, owner, heard)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
RETURNING number;
