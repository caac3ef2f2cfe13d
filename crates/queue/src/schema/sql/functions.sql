-- Functions of the four schemas: name with the types of its arguments; all arguments; result.
select n.nspname || '.' || p.proname || '('
       || (select coalesce(string_agg(pg_catalog.format_type(t.oid, null), ', ' order by t.place), '')
             from pg_catalog.unnest(p.proargtypes::oid[]) with ordinality t (oid, place)) || ')',
       pg_catalog.pg_get_function_arguments(p.oid),
       pg_catalog.pg_get_function_result(p.oid)
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where n.nspname in ('pgq', 'pgq_ext', 'pgq_coop', 'pgq_node') and p.prokind = 'f'
 order by 1
