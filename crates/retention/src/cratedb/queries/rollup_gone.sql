DELETE FROM {table} WHERE "bucket" < {to} AND "ostler_proven"
