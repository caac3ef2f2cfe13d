-- Leaves an operation as it is, for another owner.
-- ?1 id, ?2 now, ?3 milliseconds since the last heartbeat.
UPDATE operation SET owner = NULL, heartbeat = ?2, worked_ms = worked_ms + ?3 WHERE id = ?1;
