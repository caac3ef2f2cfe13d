DROP {what} {table}
