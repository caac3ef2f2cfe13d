-- The rows that one operation writes into the queue, as SQL over the transition tables pgq_new and pgq_old with the fields f1 to f6,
-- or the problem that every such operation has. It names nothing of the table's schema: it runs with the rights of the queue's
-- owner. Rows of an UPDATE meet their old selves by position: PostgreSQL fills both tables in the same order.
create or replace function pgq.ostler_bulk_rows(i_kind text, i_table oid, i_arguments text[], i_operation text, out problem text, out queue text, out has_expressions boolean, out rows text)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    e record := pgq.ostler_trigger_event(i_kind, i_table, 'AFTER', i_arguments, i_operation, 'n', 'o');
    v_where text;
begin
    problem := e.problem;
    queue := e.queue;
    has_expressions := e.has_expressions;
    if problem is not null then
        return;
    end if;
    v_where := case when e.verdict is not null then format('(%s) operator(pg_catalog.=) ''Y''',
        replace(e.verdict, 'then ''E''', 'then pgq.ostler_key_changed()')) end;
    v_where := case when v_where is null then e.condition when e.condition is null then v_where
        else format('case when %s then %s else false end', v_where, e.condition) end;
    rows := case i_operation
        when 'INSERT' then 'pgq_new n'
        when 'DELETE' then 'pgq_old o'
        else case when e.verdict is null and e.fields[4] not like '%o."%' and i_kind <> 'sqltriga' then 'pgq_new n' else
            '(select pg_catalog.row_number() over () as ostler_row, r.* from pgq_new r) n'
            ' join (select pg_catalog.row_number() over () as ostler_row, r.* from pgq_old r) o'
            ' on o.ostler_row operator(pg_catalog.=) n.ostler_row' end end;
    rows := format(E'select %s from %s%s%s',
        (select string_agg(f || ' as f' || i, E',\n                ' order by i) from unnest(e.fields) with ordinality x(f, i)),
        rows, coalesce(E'\n             where ' || v_where, ''),
        case when rows like '%ostler_row%' then ' order by n.ostler_row' else '' end);
end;
$$;
