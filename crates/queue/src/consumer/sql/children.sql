select n.nspname || '.' || c.relname, c.relname::text
  from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
 where i.inhparent = to_regclass($1)
-- Tables that inherit from a table, or are its partitions.
