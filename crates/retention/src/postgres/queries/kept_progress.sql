SELECT coalesce(sum(removed), 0)::bigint FROM {schema}.retention_progress
 WHERE operation = $1 AND pg_catalog.left(item, pg_catalog.length($2)) = $2
