ALTER CLUSTER SWAP TABLE {new} TO {table} WITH (drop_source = true)
