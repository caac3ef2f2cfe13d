INSERT INTO plan (digest, plan, made) VALUES (?1, ?2, ?3) ON CONFLICT (digest) DO UPDATE SET plan = ?2, made = ?3
