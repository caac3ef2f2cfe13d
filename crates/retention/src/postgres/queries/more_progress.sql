INSERT INTO {schema}.retention_progress AS p (operation, item, removed) VALUES ($1, $2, $3)
ON CONFLICT (operation, item) DO UPDATE SET removed = p.removed OPERATOR(pg_catalog.+) excluded.removed
