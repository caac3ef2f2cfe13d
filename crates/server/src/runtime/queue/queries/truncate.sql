SELECT pgq.ostler_truncate_plan(pg_catalog.to_regclass($1), $2, $3, $4, $5)
