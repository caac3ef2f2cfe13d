SELECT count(*), min({value})::text, max({value})::text FROM {table} WHERE {condition}
