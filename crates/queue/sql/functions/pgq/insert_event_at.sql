-- Puts an event into a queue at a later time; at once when that time has come. Returns its id.
create or replace function pgq.insert_event_at(queue_name text, deliver_at timestamp with time zone, ev_type text, ev_data text, ev_extra1 text default null, ev_extra2 text default null, ev_extra3 text default null, ev_extra4 text default null)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    id bigint;
begin
    if queue_name is null then
        raise exception 'Queue name must not be NULL';
    end if;
    if deliver_at is null or deliver_at <= now() then
        return pgq.insert_event(queue_name, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
    end if;
    select n.queue_id, n.queue_event_seq, n.queue_disable_insert into q
      from pgq.queue n where n.queue_name = insert_event_at.queue_name;
    if not found then
        raise exception 'No such queue';
    end if;
    if q.queue_disable_insert and current_setting('session_replication_role') <> 'replica' then
        raise exception 'Insert into queue disallowed';
    end if;
    id := nextval(q.queue_event_seq::regclass);
    insert into pgq.ostler_delayed (de_after, de_queue, ev_id, ev_time, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
        values (deliver_at, q.queue_id, id, now(), ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
    -- The ticker may sleep beyond that time.
    perform pgq.ostler_wake(q.queue_id);
    return id;
end
$$;
