UPDATE {table} SET "ostler_proven" = TRUE WHERE {window} AND "ostler_made" = ?
