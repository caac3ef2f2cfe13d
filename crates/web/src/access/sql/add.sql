INSERT INTO credential (hash, kind, name, role, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
