-- The name of the trigger function made for one table, kind of event, style (`each` row or in `bulk`), timing and
-- arguments. The table's number is in it, so nobody can overwrite a function of a table that is not his.
create or replace function pgq.ostler_trigger_function_name(i_kind text, i_style text, i_table oid, i_timing text, i_arguments text[])
returns text
language sql immutable
as $$
    select pg_catalog.concat(i_kind, '_', i_style, '_', i_table, '_', pg_catalog.substr(pg_catalog.md5(
        pg_catalog.concat(i_timing, i_arguments::pg_catalog.text)), 1, 12))
$$;
