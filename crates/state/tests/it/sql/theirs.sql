-- Somebody else's tables where ours would be.
CREATE SCHEMA ostler_numbers;
CREATE TABLE ostler_numbers.theirs (x int);
