COPY (DELETE FROM {table} WHERE {condition} AND {column} BETWEEN {min} AND {max} RETURNING {columns}) TO STDOUT (FORMAT binary)
