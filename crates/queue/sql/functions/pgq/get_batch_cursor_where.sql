-- Opens a cursor over the events of a batch that satisfy a condition (SQL, run with the rights of the caller), and gives the
-- first of them.
create or replace function pgq.get_batch_cursor(i_batch_id bigint, i_cursor_name text, i_quick_limit integer, i_extra_where text, out ev_id bigint, out ev_time timestamp with time zone, out ev_txid bigint, out ev_retry integer, out ev_type text, out ev_data text, out ev_extra1 text, out ev_extra2 text, out ev_extra3 text, out ev_extra4 text)
returns setof record
language plpgsql
as $$
declare
    sql text;
begin
    if i_batch_id is null or i_cursor_name is null or i_quick_limit is null then
        return;
    end if;
    sql := pgq.batch_event_sql(i_batch_id);
    if i_extra_where is not null then
        sql := 'select * from (' || sql || ') e where ' || i_extra_where || ' order by 1';
    end if;
    execute 'declare ' || quote_ident(i_cursor_name) || ' no scroll cursor for ' || sql;
    if i_quick_limit > 0 then
        return query execute 'fetch ' || i_quick_limit || ' from ' || quote_ident(i_cursor_name);
    end if;
end
$$;
