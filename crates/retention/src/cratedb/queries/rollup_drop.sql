DROP {what} IF EXISTS {table}
