-- Rows by the statistics are not known for a table that was never looked at.
WITH RECURSIVE below AS (
    SELECT i.inhrelid, i.inhparent, coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean, false) AS detaching
      FROM pg_catalog.pg_inherits i WHERE i.inhparent = $1
    UNION ALL
    SELECT i.inhrelid, i.inhparent, coalesce((pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean, false)
      FROM pg_catalog.pg_inherits i JOIN below ON i.inhparent = below.inhrelid
)
SELECT pg_catalog.jsonb_build_object(
         'schema', n.nspname, 'name', c.relname, 'id', c.oid::bigint,
         'parent_schema', pn.nspname, 'parent_name', p.relname, 'parent_id', p.oid::bigint,
         'method', CASE k.partstrat WHEN 'r' THEN 'range' WHEN 'l' THEN 'list' ELSE 'hash' END,
         'key', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY u.position)
                   FROM pg_catalog.unnest(k.partattrs::smallint[]) WITH ORDINALITY AS u (number, position)
                   LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = p.oid AND a.attnum = u.number AND u.number > 0),
         'bounds', pg_catalog.pg_get_expr(c.relpartbound, c.oid),
         'detaching', below.detaching,
         'bytes', leaves.bytes, 'rows', leaves.rows)::text
  FROM below
  JOIN pg_catalog.pg_class c ON c.oid = below.inhrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class p ON p.oid = below.inhparent
  JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
  JOIN pg_catalog.pg_partitioned_table k ON k.partrelid = p.oid
 CROSS JOIN LATERAL (
         SELECT coalesce(sum(pg_catalog.pg_total_relation_size(l.oid)), 0)::bigint AS bytes,
                CASE WHEN bool_or(l.reltuples < 0 OR l.reltuples = 0 AND l.relpages = 0) THEN NULL
                     ELSE sum(l.reltuples)::bigint END AS rows
           FROM pg_catalog.pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class l ON l.oid = t.relid
          WHERE t.isleaf) AS leaves
