-- Gives an operation to its next owner and forgets how it ended before.
-- ?1 id, ?2 state, ?3 owner, ?4 epoch, ?5 now.
UPDATE operation
SET state = ?2, owner = ?3, epoch = ?4, heartbeat = ?5, ended = NULL, leave_requested = 0, failure = NULL,
    hint = NULL, reasons = '[]', outcome = NULL
WHERE id = ?1;
