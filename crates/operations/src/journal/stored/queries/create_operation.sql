-- A new operation, running, of its first owner.
-- ?1 id, ?2 kind, ?3 version, ?4 subject, ?5 plan, ?6 owner, ?7 now.
INSERT INTO operation (id, kind, version, subject, plan, state, owner, epoch, heartbeat, started)
VALUES (?1, ?2, ?3, ?4, ?5, 'running', ?6, 1, ?7, ?7);
