DELETE FROM credential WHERE name = ?1 AND (kind = 'token' OR (kind = 'session' AND coalesce(via, 'token') <> 'user'))
