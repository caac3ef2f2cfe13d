-- Up to which change the outbox was filled.
SELECT number FROM cursor;
