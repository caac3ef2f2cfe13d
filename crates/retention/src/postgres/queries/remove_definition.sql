DELETE FROM {schema}.retention_definition WHERE kind = $1 AND name = $2
