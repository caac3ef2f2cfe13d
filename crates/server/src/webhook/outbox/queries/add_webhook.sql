-- ?1 name, ?2 created, ?3 definition, ?4 secret.
INSERT INTO webhook (name, created, definition, secret) VALUES (?1, ?2, ?3, ?4);
