-- Where somebody else than the owner of schema pgq installs: tables and generated functions of ours go to that owner, whose
-- functions use them.
do $ownership$
declare
    change text;
begin
    for change in
        select pg_catalog.format('alter table %s owner to %I', c.oid::pg_catalog.regclass, pg_catalog.pg_get_userbyid(n.nspowner))
          from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
         where n.nspname in ('pgq', 'pgq_ext', 'pgq_coop', 'pgq_node') and c.relowner operator(pg_catalog.<>) n.nspowner
           and c.relkind in ('r', 'v', 'S') and c.relname operator(pg_catalog.~) '^ostler_|_switch_seq$|^subscription$'
           -- A sequence of a column goes with its table.
           and not exists (select from pg_catalog.pg_depend d
                            where d.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                              and d.objid operator(pg_catalog.=) c.oid and d.deptype operator(pg_catalog.=) 'a')
        union all
        select pg_catalog.format('alter function %s owner to %I', p.oid::pg_catalog.regprocedure, pg_catalog.pg_get_userbyid(n.nspowner))
          from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace
         where n.nspname operator(pg_catalog.=) 'pgq' and p.proowner operator(pg_catalog.<>) n.nspowner
           and p.proname operator(pg_catalog.~) '^(ostler_insert|(logutriga|jsontriga|sqltriga)_(row|each|bulk))_[0-9]+'
    loop
        execute change;
    end loop;
end
$ownership$;
