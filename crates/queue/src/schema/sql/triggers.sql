-- Triggers of tables elsewhere that call functions of these schemas.
select t.tgname || ' on ' || t.tgrelid::regclass
  from pg_catalog.pg_trigger t
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
 where n.nspname in ('pgq', 'pgq_ext', 'pgq_coop', 'pgq_node') and cn.nspname not in ('pgq', 'pgq_ext', 'pgq_coop', 'pgq_node')
   and not t.tgisinternal
 order by 1
