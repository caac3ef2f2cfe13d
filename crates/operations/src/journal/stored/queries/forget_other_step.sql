-- Makes room for a step where one of another name was undone, or was to be.
-- ?1 operation, ?2 position, ?3 name.
DELETE FROM step
WHERE operation = ?1 AND position = ?2 AND state IN ('undone', 'undo_failed') AND name <> ?3;
