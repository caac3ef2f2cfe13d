-- ?1 at, ?2 who, ?3 known, ?4 address, ?5 action, ?6 object, ?7 before.
INSERT INTO change (at, who, known, address, action, object, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING number;
