-- Records what an operation says, once for each sentence.
-- ?1 operation, ?2 now, ?3 text.
INSERT INTO message (operation, at, text) VALUES (?1, ?2, ?3)
ON CONFLICT DO NOTHING;
