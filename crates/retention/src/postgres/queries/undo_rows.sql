COPY (SELECT {columns} FROM {table} WHERE {column} BETWEEN {min} AND {max}) TO STDOUT (FORMAT binary)
