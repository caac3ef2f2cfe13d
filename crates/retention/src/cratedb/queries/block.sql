ALTER TABLE {table} PARTITION ({values}) SET ("blocks.write" = {blocked})
