SELECT pg_catalog.to_regnamespace($1) IS NOT NULL, pg_catalog.to_regclass($1 || '.retention_migration') IS NOT NULL
