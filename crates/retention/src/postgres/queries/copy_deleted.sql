COPY (DELETE FROM {table}
       WHERE {condition} AND {column} OPERATOR(pg_catalog.>=) {min} AND {column} OPERATOR(pg_catalog.<=) {max}
      RETURNING {columns}) TO STDOUT (FORMAT binary)
