-- The owner lives and has worked for so long since it last said so.
-- ?1 id, ?2 now, ?3 milliseconds.
UPDATE operation SET heartbeat = ?2, worked_ms = worked_ms + ?3 WHERE id = ?1;
