-- The how-manieth write of a session this is, so that it can be asked afterwards whether it became final.
-- ?1 session, ?2 number.
INSERT INTO state_writer (session, number) VALUES (?1, ?2)
ON CONFLICT (session) DO UPDATE SET number = ?2, at = pg_catalog.now();
