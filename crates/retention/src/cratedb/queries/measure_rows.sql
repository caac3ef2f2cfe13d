SELECT count(*), min({column}), max({column}) FROM {table} WHERE {condition}
