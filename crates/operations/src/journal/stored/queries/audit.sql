-- What an operation destroyed, in order.
-- ?1 operation.
SELECT at, action, item, bytes, reason FROM audit WHERE operation = ?1 ORDER BY number;
