-- Whether tables inherit from it without being its partitions.
SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = $1 AND NOT c.relispartition AND c.relkind IN ('r', 'f'))
