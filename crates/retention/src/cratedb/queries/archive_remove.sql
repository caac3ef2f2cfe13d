DELETE FROM {table} WHERE {key} AND _seq_no = ? AND _primary_term = ?
