INSERT INTO plan (maker, digest, plan, made) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (maker, digest) DO UPDATE SET plan = ?3, made = ?4
