SELECT min({column}) FROM {table} WHERE {condition}
