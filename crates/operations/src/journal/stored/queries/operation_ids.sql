-- Operations whose id begins so.
-- ?1 beginning, ?2 how many.
SELECT id FROM operation WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2;
