-- An operation that goes on after an undo runs all steps behind the first undone one again; those whose undo
-- failed stay to be seen.
-- ?1 operation.
UPDATE step SET state = 'undone'
WHERE operation = ?1
  AND state <> 'undo_failed'
  AND position > (
      SELECT min(position) FROM step WHERE operation = ?1 AND state IN ('undone', 'undo_failed')
  );
