-- Makes room for a step where one of another name was undone.
-- ?1 operation, ?2 position, ?3 name.
DELETE FROM step WHERE operation = ?1 AND position = ?2 AND state = 'undone' AND name <> ?3;
