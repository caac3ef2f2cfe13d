-- A step whose undo failed.
-- ?1 operation.
SELECT position FROM step WHERE operation = ?1 AND state = 'undo_failed' LIMIT 1;
