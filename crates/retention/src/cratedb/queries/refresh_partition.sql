REFRESH TABLE {table} PARTITION ({values})
