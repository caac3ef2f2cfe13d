DELETE FROM {table} WHERE {window} AND "ostler_made" < ?
