SELECT pg_catalog.jsonb_build_object('entry', entry, 'at', at, 'who', who, 'action', action, 'policy', policy,
         'item', item, 'rows', rows, 'error', error, 'operation', operation, 'before', before, 'after', after)::text
  FROM {schema}.retention_audit
 ORDER BY entry DESC
 LIMIT $1
