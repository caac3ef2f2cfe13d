-- Whether there is a schema, and whether it has the table of versions, or others. ?1 name.
SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = ?1),
       EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = ?1 AND c.relname = 'schema_history'),
       EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = ?1);
