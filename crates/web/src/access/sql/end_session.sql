DELETE FROM credential WHERE hash = ?1 AND kind = 'session'
