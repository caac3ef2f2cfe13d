-- Forgets operations that are over, but none of the newest.
-- ?1 those that ended before, ?2 how many newest stay.
DELETE FROM operation
WHERE ended < ?1
  AND state IN ('cancelled', 'failed', 'partial', 'succeeded')
  AND number NOT IN (SELECT number FROM operation ORDER BY number DESC LIMIT ?2);
