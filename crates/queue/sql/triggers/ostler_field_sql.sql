-- SQL for a column of a row variable. Always quoted: PL/pgSQL has reserved words of its own, such as `by`.
create or replace function pgq.ostler_field_sql(i_row text, i_column text)
returns text
language sql immutable parallel safe
as $$
    select pg_catalog.concat(i_row, '."', pg_catalog.replace(i_column, '"', '""'), '"')
$$;
