INSERT INTO {new} SELECT * FROM {table} WHERE NOT coalesce({window}, FALSE)
