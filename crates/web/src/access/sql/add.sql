INSERT INTO credential (hash, kind, name, role, created, expires, via, clusters) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
