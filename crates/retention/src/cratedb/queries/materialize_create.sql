CREATE TABLE {table} AS SELECT * FROM ({query}
) AS ostler_rows LIMIT 0
