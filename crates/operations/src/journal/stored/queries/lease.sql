-- A named lease.
-- ?1 name.
SELECT purpose, owner, epoch, heartbeat FROM lease WHERE name = ?1;
