-- ?1 kind, ?2 name, ?3 at, ?4 milliseconds, ?5 failure, ?6 seen.
INSERT INTO observation (kind, name, at, took_ms, failure, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6);
