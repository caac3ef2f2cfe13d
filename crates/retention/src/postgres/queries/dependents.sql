-- What depends on tables at or below one, so that they cannot be dropped: views, functions, policies, and foreign keys that refer to
-- a partition itself. What comes with a foreign key to the parent goes when the partition is detached.
WITH RECURSIVE below AS (
    SELECT $1::pg_catalog.oid AS id
    UNION ALL
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below ON i.inhparent = below.id
),
found AS (
    SELECT DISTINCT below.id,
           CASE WHEN v.oid IS NULL THEN pg_catalog.pg_describe_object(d.classid, d.objid, 0)
                ELSE pg_catalog.pg_describe_object('pg_catalog.pg_class'::pg_catalog.regclass, v.oid, 0) END AS by
      FROM below
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = below.id
                                 AND d.deptype = 'n'
      LEFT JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
      LEFT JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
      LEFT JOIN pg_catalog.pg_constraint f ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND f.oid = d.objid
      LEFT JOIN pg_catalog.pg_policy s ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND s.oid = d.objid
     WHERE v.oid <> below.id
        OR s.polrelid <> below.id
        OR d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
        OR f.contype = 'f' AND f.conparentid = 0 AND f.conrelid <> below.id
)
SELECT pg_catalog.jsonb_build_object(
         'schema', n.nspname, 'name', c.relname,
         'by', pg_catalog.jsonb_agg(found.by ORDER BY found.by))::text
  FROM found
  JOIN pg_catalog.pg_class c ON c.oid = found.id
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 GROUP BY n.nspname, c.relname
 ORDER BY n.nspname, c.relname
