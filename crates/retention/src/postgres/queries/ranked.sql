SELECT ranked.id, ranked.moment FROM (
    SELECT ctid AS id, {column} AS moment, {column}, row_number() OVER (PARTITION BY {by} ORDER BY {column} DESC, ctid DESC) AS place
      FROM ONLY {table} WHERE {column} IS NOT NULL) AS ranked
 WHERE ranked.place > {last} AND {condition}
