-- How a partition stands to its parent now: its name, whether it is attached, whether that is pending, its bounds, and
-- whether the parent has a default partition.
SELECT n.nspname, c.relname, i.inhparent IS NOT NULL,
       coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean, false),
       coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), ''),
       EXISTS (SELECT FROM pg_catalog.pg_partitioned_table k WHERE k.partrelid = $2 AND k.partdefid <> 0),
       pg_catalog.current_setting('server_version_num')::integer
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = $2
 WHERE c.oid = $1
