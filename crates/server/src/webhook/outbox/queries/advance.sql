-- The outbox was filled up to this change. ?1 number.
INSERT INTO cursor ("only", number) VALUES (1, ?1)
ON CONFLICT ("only") DO UPDATE SET number = CASE WHEN cursor.number < ?1 THEN ?1 ELSE cursor.number END;
