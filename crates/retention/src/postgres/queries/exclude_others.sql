SELECT pg_catalog.pg_advisory_lock(1330860882, 2)
