-- Operations whose id begins so. Ids have no digit after f: by the range their index finds them.
-- ?1 beginning, ?2 how many.
SELECT id FROM operation WHERE id >= ?1 AND id < ?1 || 'g' AND substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2;
