-- The statement by which a trigger over transition tables writes its events one by one, when it does not fit its table any
-- more. $1 is the trigger's arguments.
create or replace function pgq.ostler_log_rows_sql(i_kind text, i_table oid, i_operation text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_rows text := format('select row_number() over () as position, row(r.*)::%s as one', i_table::regclass);
begin
    return format('select pgq.ostler_log_row(%L, %s, ''AFTER'', $1, %L, %s) from %s', i_kind, i_table, i_operation,
        case i_operation when 'INSERT' then 'n.one, null' when 'DELETE' then 'null, o.one' else 'n.one, o.one' end,
        case i_operation
            when 'INSERT' then format('(%s from pgq_new r) n', v_rows)
            when 'DELETE' then format('(%s from pgq_old r) o', v_rows)
            else format('(%1$s from pgq_new r) n join (%1$s from pgq_old r) o using (position) order by position', v_rows)
        end);
end;
$$;
