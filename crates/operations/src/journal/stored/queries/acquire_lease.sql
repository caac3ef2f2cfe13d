-- Gives a lease to its next holder.
-- ?1 name, ?2 purpose, ?3 owner, ?4 epoch, ?5 now.
INSERT INTO lease (name, purpose, owner, epoch, heartbeat) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (name) DO UPDATE SET purpose = ?2, owner = ?3, epoch = ?4, heartbeat = ?5;
