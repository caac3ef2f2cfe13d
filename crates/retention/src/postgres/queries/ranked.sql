SELECT ranked.ostler_row, ranked.ostler_moment FROM (
    SELECT ctid AS ostler_row, {column} AS ostler_moment, {column},
           pg_catalog.row_number() OVER (PARTITION BY {by} ORDER BY {column} DESC, ctid DESC) AS ostler_place
      FROM ONLY {table} WHERE {column} IS NOT NULL) AS ranked
 WHERE ranked.ostler_place {above} {last} AND {condition}
