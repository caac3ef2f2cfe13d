SELECT pg_catalog.jsonb_build_object('name', name, 'definition', definition)::text
  FROM {schema}.retention_definition
 WHERE kind = $1
 ORDER BY name COLLATE "C"
