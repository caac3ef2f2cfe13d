-- The statement by which a trigger over transition tables writes its events one by one, when its function does not fit its table any
-- more.
create or replace function pgq.ostler_bulk_statement(i_kind text, i_table oid, i_arguments text[], i_operation text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    e record := pgq.ostler_bulk_rows(i_kind, i_table, array(select unnest(i_arguments)), i_operation);
begin
    if e.problem is not null then
        raise exception using message = e.problem, errcode = 'XX000';
    end if;
    return format('select pgq.insert_event(%L, x.f1, x.f2, x.f3, x.f4, x.f5, x.f6) from (%s) x', e.queue, e.rows);
end;
$$;
