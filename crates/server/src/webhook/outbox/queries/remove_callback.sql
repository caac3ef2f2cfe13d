-- ?1 operation.
DELETE FROM callback WHERE operation = ?1;
