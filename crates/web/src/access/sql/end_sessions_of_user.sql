DELETE FROM credential WHERE name = ?1 AND kind = 'session' AND via = 'user'
