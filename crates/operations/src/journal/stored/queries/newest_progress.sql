-- What the steps of operations counted, for those that newest_operations gives.
-- ?1 how many, ?2 below which number.
SELECT operation, progress
FROM step
WHERE progress IS NOT NULL
  AND operation IN (SELECT id FROM operation WHERE number < ?2 ORDER BY number DESC LIMIT ?1);
