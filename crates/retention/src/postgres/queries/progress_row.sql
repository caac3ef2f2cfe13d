SELECT removed FROM {schema}.retention_progress WHERE operation = $1 AND item = $2
