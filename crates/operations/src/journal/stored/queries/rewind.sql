-- A step is undone, and with it the steps behind it, of an item only those of this item; those whose undo failed are
-- undone when they are reached.
-- ?1 operation, ?2 position, ?3 key.
UPDATE step SET state = 'undone'
WHERE operation = ?1
  AND (
      (position = ?2 AND key = ?3)
      OR (position > ?2 AND (?2 < 1000000 OR position / 1000000 = ?2 / 1000000) AND state <> 'undo_failed')
  );
