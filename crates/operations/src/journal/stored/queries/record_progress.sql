-- How far a running step is.
-- ?1 operation, ?2 position, ?3 key, ?4 progress.
UPDATE step SET progress = ?4 WHERE operation = ?1 AND position = ?2 AND key = ?3 AND state = 'running';
