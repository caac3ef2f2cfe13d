-- The type below all domains.
create or replace function pgq.ostler_base_type(i_type oid)
returns oid
language sql stable
as $$
    with recursive chain(type, kind, base) as (
        select t.oid, t.typtype, t.typbasetype from pg_catalog.pg_type t where t.oid operator(pg_catalog.=) i_type
        union all
        select t.oid, t.typtype, t.typbasetype
          from chain join pg_catalog.pg_type t on t.oid operator(pg_catalog.=) chain.base
         where chain.kind operator(pg_catalog.=) 'd'
    )
    select type from chain where kind operator(pg_catalog.<>) 'd'
$$;
