INSERT INTO "user" (name, role, clusters, salt, hash, memory_kib, passes, lanes, created, changed)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
