SELECT coalesce(max(version), 0) FROM {schema}.retention_migration
