create or replace function pgq.current_event_table(x_queue_name text)
returns text
language plpgsql
as $$
declare
    q record;
begin
    perform txid_current();
    select n.queue_id, n.queue_data_pfx, n.queue_cur_table, n.queue_disable_insert into q from pgq.queue n where n.queue_name = x_queue_name;
    if not found then
        raise exception 'Event queue not found';
    end if;
    if q.queue_disable_insert and current_setting('session_replication_role') <> 'replica' then
        raise exception 'Writing to queue disabled';
    end if;
    -- What is written there tells nobody.
    perform pgq.ostler_wake(q.queue_id);
    return q.queue_data_pfx || '_' || q.queue_cur_table;
end
$$;
