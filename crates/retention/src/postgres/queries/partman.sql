-- The schema of pg_partman's configuration, where we may read it.
SELECT n.nspname
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'part_config'
 WHERE e.extname = 'pg_partman'
   AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
