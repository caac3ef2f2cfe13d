-- Nobody needs a right to the one that the database is in.
SELECT t.spcname, t.oid = d.dattablespace OR pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')
  FROM pg_catalog.pg_tablespace t
  JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
 WHERE t.spcname <> 'pg_global'
