create or replace function pgq.insert_event_raw(queue_name text, ev_id bigint, ev_time timestamp with time zone, ev_owner integer, ev_retry integer, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text)
returns bigint
language plpgsql
as $$
declare
    q record;
    id bigint;
begin
    if queue_name is null then
        raise exception 'Queue name must not be NULL';
    end if;
    perform txid_current();
    select n.queue_id, n.queue_data_pfx, n.queue_cur_table, n.queue_event_seq, n.queue_disable_insert into q
      from pgq.queue n where n.queue_name = insert_event_raw.queue_name;
    if not found then
        raise exception 'No such queue';
    end if;
    if q.queue_disable_insert and current_setting('session_replication_role') <> 'replica' then
        raise exception 'Insert into queue disallowed';
    end if;
    id := nextval(q.queue_event_seq::regclass);
    if ev_id is not null then
        id := ev_id;
    end if;
    perform pgq.ostler_wake(q.queue_id);
    execute 'insert into ' || q.queue_data_pfx || '_' || q.queue_cur_table
         || ' (ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
         || ' values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)'
      using id, coalesce(ev_time, now()), ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4;
    return id;
end
$$;
