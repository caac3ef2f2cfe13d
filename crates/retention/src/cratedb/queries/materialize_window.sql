INSERT INTO {new} SELECT * FROM ({query}
) AS ostler_rows WHERE {window}
