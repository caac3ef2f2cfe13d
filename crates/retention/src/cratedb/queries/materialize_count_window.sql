SELECT count(*) FROM ({query}
) AS ostler_rows WHERE {window}
