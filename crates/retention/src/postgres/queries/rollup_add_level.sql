INSERT INTO {schema}.rollup_level (rollup, level, table_schema, table_name) VALUES ($1, $2, $3, $4)
