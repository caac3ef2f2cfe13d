SELECT pg_catalog.to_jsonb(p)::text FROM {schema}.retention_policy p ORDER BY p.name COLLATE "C"
