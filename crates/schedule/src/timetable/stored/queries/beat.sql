-- Says that somebody runs what is due. ?1 owner, ?2 now.
INSERT INTO beat ("only", owner, at) VALUES (1, ?1, ?2) ON CONFLICT ("only") DO UPDATE SET owner = ?1, at = ?2;
