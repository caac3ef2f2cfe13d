-- An operation that goes on after an undo runs all steps behind the first undone one again, of an item only those of
-- this item; those whose undo failed are undone when they are reached.
-- ?1 operation.
UPDATE step SET state = 'undone'
WHERE operation = ?1
  AND state <> 'undo_failed'
  AND EXISTS (
      SELECT 1 FROM step AS first
      WHERE first.operation = ?1
        AND first.state = 'undone'
        AND first.position < step.position
        AND (first.position < 1000000 OR first.position / 1000000 = step.position / 1000000)
  );
