SELECT ostler_row, ostler_moment FROM (
    SELECT _id AS ostler_row, {column} AS ostler_moment, {column},
           row_number() OVER (PARTITION BY {by} ORDER BY {column} DESC, _id DESC) AS ostler_place
      FROM {table} WHERE {column} IS NOT NULL) AS ranked
 WHERE ostler_place > {last} AND {condition}
