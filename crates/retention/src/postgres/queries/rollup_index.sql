CREATE INDEX ON {table} (bucket)
