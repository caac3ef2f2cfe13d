ostler_gone AS (DELETE FROM {table} WHERE {condition} RETURNING *),
