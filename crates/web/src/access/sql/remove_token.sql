DELETE FROM credential WHERE name = ?1 AND kind IN ('token', 'session')
