-- What has a name: whether it is attached to this table, and its bounds.
SELECT i.inhrelid IS NOT NULL, coalesce(pg_catalog.pg_get_expr(c.relpartbound, c.oid), '')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = $3
 WHERE n.nspname = $1 AND c.relname = $2
