DELETE FROM ONLY {table} WHERE {condition}
