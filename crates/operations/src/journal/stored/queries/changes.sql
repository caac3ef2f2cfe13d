-- Changes of state after a number, the oldest first.
-- ?1 number, ?2 how many at most.
SELECT number, operation, epoch, state, at FROM change WHERE number > ?1 ORDER BY number LIMIT ?2;
