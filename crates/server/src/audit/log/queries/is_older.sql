-- Whether there is anything from before ?1.
SELECT EXISTS (SELECT 1 FROM change WHERE at < ?1);
