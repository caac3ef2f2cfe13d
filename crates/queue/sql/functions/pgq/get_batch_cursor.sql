-- Opens a cursor over the events of a batch, and gives the first of them.
create or replace function pgq.get_batch_cursor(i_batch_id bigint, i_cursor_name text, i_quick_limit integer, out ev_id bigint, out ev_time timestamp with time zone, out ev_txid bigint, out ev_retry integer, out ev_type text, out ev_data text, out ev_extra1 text, out ev_extra2 text, out ev_extra3 text, out ev_extra4 text)
returns setof record
language plpgsql
strict
as $$
begin
    return query select * from pgq.get_batch_cursor(i_batch_id, i_cursor_name, i_quick_limit, null);
end
$$;
