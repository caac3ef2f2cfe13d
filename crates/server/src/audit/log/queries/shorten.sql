-- Writes down that what is from before ?2 goes. ?1 now.
INSERT INTO shortened (at, before) VALUES (?1, ?2);
