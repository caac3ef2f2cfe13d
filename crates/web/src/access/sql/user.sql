SELECT name, role, 'user', clusters, salt, hash, memory_kib, passes, lanes FROM "user" WHERE name = ?1
