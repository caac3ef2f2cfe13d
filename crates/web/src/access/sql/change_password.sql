UPDATE "user" SET salt = ?2, hash = ?3, memory_kib = ?4, passes = ?5, lanes = ?6, changed = ?7 WHERE name = ?1
