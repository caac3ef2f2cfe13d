SELECT {column}::text FROM ONLY {table} WHERE {condition} ORDER BY {column} OFFSET {rows} LIMIT 1
