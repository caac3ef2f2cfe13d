-- Forgets operations that are over, but none of the newest. They are looked for among the oldest, where they are: a history may
-- be long, and this runs after every operation.
-- ?1 those that ended before, ?2 how many newest stay, ?3 how many are looked at.
DELETE FROM operation
WHERE number IN (
        SELECT number FROM operation
        WHERE state IN ('cancelled', 'failed', 'partial', 'succeeded')
        ORDER BY number LIMIT ?3
    )
  AND ended < ?1
  AND number NOT IN (SELECT number FROM operation ORDER BY number DESC LIMIT ?2);
