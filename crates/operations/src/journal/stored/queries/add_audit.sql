-- Records what is destroyed, once for each action on each item.
-- ?1 operation, ?2 now, ?3 action, ?4 item, ?5 bytes, ?6 reason.
INSERT INTO audit (operation, at, action, item, bytes, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT DO NOTHING;
