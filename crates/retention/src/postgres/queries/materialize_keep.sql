INSERT INTO {new} SELECT * FROM {table} WHERE ({window}) IS NOT TRUE
