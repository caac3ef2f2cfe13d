-- Forgets what was seen before this. ?1 before.
DELETE FROM observation WHERE at < ?1;
