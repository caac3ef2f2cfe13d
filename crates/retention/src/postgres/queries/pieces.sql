-- What partitions have in files: the tables below (or they themselves), their indexes, and what is kept apart for a table (TOAST),
-- which moves with it.
SELECT pg_catalog.jsonb_build_object('partition', p.id::bigint,
         'schema', n.nspname, 'name', c.relname,
         'kind', piece.kind, 'tablespace', coalesce(s.spcname, own.spcname))::text
  FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS p (id)
 CROSS JOIN LATERAL pg_catalog.pg_partition_tree(p.id) AS tree
  JOIN pg_catalog.pg_class leaf ON leaf.oid = tree.relid AND leaf.relkind = 'r'
 CROSS JOIN LATERAL (
         SELECT leaf.oid AS id, 'table' AS kind
         UNION ALL
         SELECT i.indexrelid, 'index' FROM pg_catalog.pg_index i WHERE i.indrelid = leaf.oid
         UNION ALL
         SELECT leaf.reltoastrelid, 'apart' WHERE leaf.reltoastrelid <> 0
         UNION ALL
         SELECT i.indexrelid, 'apart' FROM pg_catalog.pg_index i
          WHERE i.indrelid = leaf.reltoastrelid AND leaf.reltoastrelid <> 0) AS piece
  JOIN pg_catalog.pg_class c ON c.oid = piece.id
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
  JOIN pg_catalog.pg_tablespace own ON own.oid = d.dattablespace
  LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
 ORDER BY p.id, leaf.oid, piece.kind = 'index', n.nspname, c.relname
