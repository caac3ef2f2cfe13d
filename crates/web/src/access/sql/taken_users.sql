SELECT name, role, clusters, salt, hash, memory_kib, passes, lanes, created, changed FROM "user" ORDER BY name
