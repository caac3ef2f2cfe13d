-- The name of the function that serves one table for triggers of one kind with the same timing and arguments.
create or replace function pgq.ostler_row_function_name(i_kind text, i_table oid, i_timing text, i_arguments text[])
returns text
language sql immutable
as $$
    select pg_catalog.concat(i_kind, '_row_', i_table, '_', pg_catalog.substr(pg_catalog.md5(
        pg_catalog.concat(i_timing, i_arguments::pg_catalog.text)), 1, 12))
$$;
