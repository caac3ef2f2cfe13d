-- ?1 operation, ?2 url, ?3 now.
INSERT INTO callback (operation, url, created) VALUES (?1, ?2, ?3);
