SELECT plan FROM plan WHERE substr(digest, 1, length(?1)) = ?1 LIMIT 2
