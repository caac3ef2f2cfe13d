INSERT INTO started (owner, key, request, created) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING
