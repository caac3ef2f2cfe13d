-- SQL that is true where two values of a column differ: by the type's own equality where it has one (1.0 and 1.00 are
-- equal), by their text else.
create or replace function pgq.ostler_changed_sql(i_old text, i_new text, i_type oid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_operator text := pgq.ostler_equality_operator(i_type);
begin
    if v_operator not like 'pg_catalog.%' then
        -- Of another schema, which the queue's owner may not even look into: comparing rows finds the same operator by itself.
        return format('(row(%s)::pg_catalog.record operator(pg_catalog.<>) row(%s)::pg_catalog.record)', i_old, i_new);
    end if;
    return format('((%s operator(%s) %s) is not true and pg_catalog.num_nonnulls(%s, %s) operator(pg_catalog.<>) 0)',
        case when v_operator is null then pgq.ostler_output_sql(i_old, i_type) else i_old end,
        coalesce(v_operator, 'pg_catalog.='),
        case when v_operator is null then pgq.ostler_output_sql(i_new, i_type) else i_new end,
        i_old, i_new);
end;
$$;
