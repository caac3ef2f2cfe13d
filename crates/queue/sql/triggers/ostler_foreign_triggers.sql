-- Triggers whose generated function was made for another table. A restore makes all of them so, because it gives tables other
-- numbers; they work, at the speed of existing triggers, until ostler_adopt_triggers.
create or replace function pgq.ostler_foreign_triggers(out place regclass, out name text, out function oid)
returns setof record
language sql stable
as $$
    select t.tgrelid::pg_catalog.regclass, t.tgname::pg_catalog.text, p.oid
      from pg_catalog.pg_trigger t
      join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) t.tgfoid
     where p.pronamespace operator(pg_catalog.=) 'pgq'::pg_catalog.regnamespace
       and p.proname operator(pg_catalog.~) '^(logutriga|jsontriga|sqltriga)_(each|bulk)_[0-9]+_'
       and t.tgparentid operator(pg_catalog.=) 0
       and pg_catalog.split_part(p.proname::pg_catalog.text, '_', 3) operator(pg_catalog.<>) t.tgrelid::pg_catalog.text
     order by 1, 2
$$;
