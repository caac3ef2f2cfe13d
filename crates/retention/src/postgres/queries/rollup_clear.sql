DELETE FROM {table} WHERE {window}
