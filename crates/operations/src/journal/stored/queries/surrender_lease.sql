-- Frees a lease; changes nothing once another holds it.
-- ?1 name, ?2 epoch, ?3 owner.
UPDATE lease SET owner = NULL WHERE name = ?1 AND epoch = ?2 AND owner = ?3;
