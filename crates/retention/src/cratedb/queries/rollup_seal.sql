UPDATE {table} SET "ostler_made" = ? WHERE {window} AND "ostler_made" < ?
