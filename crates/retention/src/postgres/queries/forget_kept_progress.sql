DELETE FROM {schema}.retention_progress WHERE operation = $1 AND pg_catalog.left(item, pg_catalog.length($2)) = $2
