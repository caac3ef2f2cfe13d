SELECT pg_catalog.jsonb_build_object('rollup', rollup, 'level', level, 'table_schema', table_schema, 'table_name', table_name,
         'kept_from', kept_from, 'watermark', watermark)::text
  FROM {schema}.rollup_level
 ORDER BY rollup COLLATE "C", level
