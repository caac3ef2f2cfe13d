-- ?1 operation.
SELECT url FROM callback WHERE operation = ?1;
