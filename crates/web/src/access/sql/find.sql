SELECT name, role, via, clusters FROM credential
WHERE hash = ?1 AND kind = ?2 AND used IS NULL AND (expires IS NULL OR expires > ?3)
