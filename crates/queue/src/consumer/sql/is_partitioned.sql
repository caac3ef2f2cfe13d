select relkind = 'p' from pg_class where oid = to_regclass($1)
-- Nothing when there is no such table.
