SELECT plan FROM plan WHERE maker = ?1 AND substr(digest, 1, length(?2)) = ?2 AND made >= ?3 LIMIT 2
