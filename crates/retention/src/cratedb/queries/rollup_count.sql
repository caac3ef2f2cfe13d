SELECT {rows} FROM {table} WHERE {window}
