-- ?1 number, ?2 at, ?3 state, ?4 after, ?5 failure.
INSERT INTO ending (number, at, state, after, failure) VALUES (?1, ?2, ?3, ?4, ?5);
