INSERT INTO {schema}.retention_migration (version) VALUES ($1)
