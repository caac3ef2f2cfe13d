SELECT min({value})::text FROM {table} WHERE {condition}
