-- ?1 name.
SELECT EXISTS (SELECT 1 FROM webhook WHERE name = ?1);
