-- ?1 name.
DELETE FROM webhook WHERE name = ?1;
