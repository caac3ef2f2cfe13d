-- The statements that put generated triggers in the place of existing ones, under the same names, for the owners of the tables
-- to run. Triggers for some operations only, with a WHEN or columns of their own, disabled or before the row without SKIP stay as
-- they are: they work, at their own speed.
create or replace function pgq.ostler_trigger_upgrade(i_style text default 'each', out place regclass, out name text, out statement text)
returns SETOF record
language sql stable
as $$
    select t.tgrelid::pg_catalog.regclass, t.tgname::pg_catalog.text, s
      from pg_catalog.pg_trigger t
      join pg_catalog.pg_proc p on p.oid operator(pg_catalog.=) t.tgfoid
     cross join lateral pgq.ostler_stored_arguments(t.tgargs, t.tgnargs) as a
     cross join lateral pgq.ostler_trigger_arguments(a, 'INSERT') as parsed
     cross join lateral pgq.ostler_trigger_plan(t.tgrelid::pg_catalog.regclass, t.tgname::pg_catalog.text, p.proname::pg_catalog.text, a, i_style)
         with ordinality as planned(s, n)
     where p.pronamespace operator(pg_catalog.=) 'pgq'::pg_catalog.regnamespace
       and p.proname operator(pg_catalog.~) '^(logutriga|jsontriga|sqltriga)$'
       and not t.tgisinternal and t.tgparentid operator(pg_catalog.=) 0 and t.tgenabled operator(pg_catalog.=) 'O'
       and t.tgqual is null and t.tgconstraint operator(pg_catalog.=) 0 and t.tgattr::pg_catalog.text operator(pg_catalog.=) ''
       -- Each row; insert, delete and update; before it exactly with SKIP.
       and (t.tgtype::pg_catalog.int4 operator(pg_catalog.&) 61) operator(pg_catalog.=) 29
       and ((t.tgtype::pg_catalog.int4 operator(pg_catalog.&) 2) operator(pg_catalog.<>) 0) operator(pg_catalog.=) parsed.skip
       and parsed.problem is null
     order by 1, 2, n
$$;
