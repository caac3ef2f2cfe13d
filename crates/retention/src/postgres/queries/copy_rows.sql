COPY (SELECT {columns} FROM {table} WHERE {condition} ORDER BY {order}) TO STDOUT (FORMAT binary)
