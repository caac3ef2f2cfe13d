LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE;
WITH moved AS (DELETE FROM ONLY {default} WHERE {condition} RETURNING {columns})
INSERT INTO {partition} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM moved;
