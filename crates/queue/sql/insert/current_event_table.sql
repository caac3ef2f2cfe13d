-- The table that takes events now, for COPY and bulk inserts. Good for the current transaction only: a rotation in
-- between would truncate what comes late.
create or replace function pgq.current_event_table(x_queue_name text)
returns text
language plpgsql
as $$
declare
    q record;
begin
    -- The transaction's id first, the table second: pgq.ostler_table_now.
    perform txid_current();
    select queue_data_pfx, queue_cur_table, queue_switch_step1, queue_disable_insert, queue_id
      into q
      from pgq.queue
     where queue_name = x_queue_name;
    if not found then
        raise exception 'Event queue not found';
    end if;
    if q.queue_disable_insert and current_setting('session_replication_role') <> 'replica' then
        raise exception 'Writing to queue disabled';
    end if;
    -- What is written there tells nobody.
    perform pgq.ostler_wake(q.queue_id);
    return q.queue_data_pfx || '_' || pgq.ostler_table_now(q.queue_cur_table, q.queue_switch_step1, q.queue_data_pfx);
end;
$$;
