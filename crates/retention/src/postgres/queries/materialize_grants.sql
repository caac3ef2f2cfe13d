SELECT entry.privilege_type, CASE entry.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(entry.grantee)::text END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS entry
 WHERE n.nspname = $1 AND c.relname = $2 AND entry.grantee <> c.relowner
