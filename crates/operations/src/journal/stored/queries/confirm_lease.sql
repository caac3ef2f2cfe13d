-- The holder lives; changes nothing once another holds the lease.
-- ?1 name, ?2 epoch, ?3 owner, ?4 now.
UPDATE lease SET heartbeat = ?4 WHERE name = ?1 AND epoch = ?2 AND owner = ?3;
