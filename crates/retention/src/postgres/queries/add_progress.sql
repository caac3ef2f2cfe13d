INSERT INTO {schema}.retention_progress (operation, item, removed) VALUES ($1, $2, $3)
