-- What an operation said, in order.
-- ?1 operation.
SELECT at, text FROM message WHERE operation = ?1 ORDER BY number;
