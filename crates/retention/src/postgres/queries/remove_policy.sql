DELETE FROM {schema}.retention_policy WHERE name = $1 AND version = $2
