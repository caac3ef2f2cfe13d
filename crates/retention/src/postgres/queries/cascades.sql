-- Foreign keys by which rows of other tables, or others of the same one, go or change when rows of a table go: those that refer to
-- it, to a table below it or to one above it.
WITH RECURSIVE below AS (
    SELECT $1::pg_catalog.oid AS id
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below ON i.inhparent = below.id
),
above AS (
    SELECT $1::pg_catalog.oid AS id
    UNION
    SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN above ON i.inhrelid = above.id
)
SELECT pg_catalog.jsonb_build_object(
         'schema', n.nspname, 'name', c.relname, 'key', f.conname,
         'action', CASE f.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END)::text
  FROM pg_catalog.pg_constraint f
  JOIN pg_catalog.pg_class c ON c.oid = f.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE f.contype = 'f' AND f.confdeltype IN ('c', 'n', 'd')
   AND f.confrelid IN (SELECT id FROM below UNION SELECT id FROM above)
   -- Of a partitioned table that refers, only the table itself.
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = f.conparentid)
 ORDER BY n.nspname, c.relname, f.conname
