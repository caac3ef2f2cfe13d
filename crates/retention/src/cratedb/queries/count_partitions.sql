SELECT {column}, count(*) FROM {table} WHERE {condition} GROUP BY {column} LIMIT 1000000
