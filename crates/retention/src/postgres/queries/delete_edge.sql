SELECT edge::text FROM (SELECT {column} AS edge FROM ONLY {table} WHERE {condition} ORDER BY {column} OFFSET {rows} LIMIT 1) AS found
