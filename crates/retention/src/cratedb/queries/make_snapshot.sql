CREATE SNAPSHOT {repository}.{snapshot} TABLE {table} PARTITION ({values}) WITH (wait_for_completion = false)
