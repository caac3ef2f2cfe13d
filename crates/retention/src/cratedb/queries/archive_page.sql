SELECT {column}, _id, _seq_no, _primary_term, {columns} FROM {table} WHERE {condition}{after} ORDER BY {column}, _id LIMIT {limit}
