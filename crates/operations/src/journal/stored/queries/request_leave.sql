-- Asks the owner to stop and leave all as it is.
-- ?1 id.
UPDATE operation SET leave_requested = 1 WHERE id = ?1;
