SELECT {keys}, count(*), min({column}), max({column}) FROM {table} WHERE {first} = ANY(?) GROUP BY {keys} LIMIT 1000000
