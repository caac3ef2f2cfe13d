SELECT count(*) FROM {table} WHERE NOT coalesce({window}, FALSE)
