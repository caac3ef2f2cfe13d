select n.nspname::text, pg_catalog.pg_get_userbyid(n.nspowner)::text, pg_catalog.pg_has_role(n.nspowner, 'usage')
  from pg_catalog.pg_namespace n
 where n.nspname in ('pgq', 'pgq_ext', 'pgq_coop', 'pgq_node')
 order by 1
