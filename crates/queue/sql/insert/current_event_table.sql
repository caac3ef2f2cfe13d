-- The table that takes events now, for COPY and bulk inserts. Good for the current transaction only: a rotation in
-- between would truncate what comes late.
create or replace function pgq.current_event_table(x_queue_name text)
returns text
language plpgsql
as $$
declare
    v_table text;
    v_disabled boolean;
    v_id integer;
begin
    select queue_data_pfx || '_' || queue_cur_table::text, queue_disable_insert, queue_id
      into v_table, v_disabled, v_id
      from pgq.queue
     where queue_name = x_queue_name;
    if not found then
        raise exception 'Event queue not found';
    end if;
    if v_disabled and current_setting('session_replication_role') <> 'replica' then
        raise exception 'Writing to queue disabled';
    end if;
    -- What is written there tells nobody.
    perform pgq.ostler_wake(v_id);
    return v_table;
end;
$$;
