-- Records how far a run has come.
-- ?1 number, ?2 stage, ?3 state, ?4 keep operation, ?5 reasons, ?6 ended, ?7 owner, ?8 failure.
UPDATE firing
SET stage = ?2, state = ?3, keep_operation = coalesce(?4, keep_operation), reasons = ?5, ended = ?6, owner = ?7,
    failure = ?8
WHERE number = ?1;
