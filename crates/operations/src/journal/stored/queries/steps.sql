-- The steps of an operation, in order.
-- ?1 operation.
SELECT position, name, key, state, undoable, started, ended, attempts, result, progress, reasons
FROM step
WHERE operation = ?1
ORDER BY position, key;
