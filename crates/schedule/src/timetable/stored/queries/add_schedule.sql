-- Records a schedule. ?1 name, ?2 now, ?3 definition.
INSERT INTO schedule (name, version, created, decided, definition) VALUES (?1, 1, ?2, ?2, ?3);
