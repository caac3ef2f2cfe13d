SELECT version FROM {schema}.retention_policy WHERE name = $1
