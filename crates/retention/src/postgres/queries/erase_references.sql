-- What refers to a table: its columns, those they refer to, and what becomes of a row whose row goes.
SELECT pg_catalog.jsonb_build_object(
         'schema', n.nspname, 'name', c.relname, 'action', f.confdeltype,
         'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place)
                       FROM unnest(f.conkey) WITH ORDINALITY AS k (number, place)
                       JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number),
         'referenced', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place)
                          FROM unnest(f.confkey) WITH ORDINALITY AS k (number, place)
                          JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number))::text
  FROM pg_catalog.pg_constraint f
  JOIN pg_catalog.pg_class c ON c.oid = f.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class t ON t.oid = f.confrelid
  JOIN pg_catalog.pg_namespace s ON s.oid = t.relnamespace
 WHERE f.contype = 'f' AND s.nspname = $1 AND t.relname = $2
   -- Of a partitioned table that refers to it, only the table itself.
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = f.conparentid AND p.confrelid = f.confrelid)
 ORDER BY n.nspname, c.relname, f.conname
