UPDATE credential SET used = ?2
WHERE hash = ?1 AND kind = 'link' AND used IS NULL AND (expires IS NULL OR expires > ?2)
RETURNING name, role, 'link', clusters
