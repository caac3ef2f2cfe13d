-- A schema of numbers, as it was first.
CREATE TABLE number (value bigint PRIMARY KEY, word text, bytes bytea, fraction double precision);
