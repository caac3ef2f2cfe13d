ALTER TABLE {table} PARTITION ({values}) SET ({setting} = {value})
