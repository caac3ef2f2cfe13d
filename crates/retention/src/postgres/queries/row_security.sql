-- The tables at or below one whose rows policies of row security hide from this role; whether they have rows of their own.
WITH RECURSIVE below AS (
    SELECT $1::pg_catalog.oid AS id
    UNION ALL
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below ON i.inhparent = below.id
)
SELECT pg_catalog.jsonb_build_object(
         'schema', n.nspname, 'name', c.relname,
         'has_rows', c.relkind <> 'p', 'role', CURRENT_USER,
         'policies', (SELECT coalesce(pg_catalog.jsonb_agg(p.polname ORDER BY p.polname), '[]')
                        FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid))::text
  FROM below
  JOIN pg_catalog.pg_class c ON c.oid = below.id
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relrowsecurity AND pg_catalog.row_security_active(c.oid)
 ORDER BY c.oid <> $1, n.nspname, c.relname
