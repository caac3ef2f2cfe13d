-- Puts an event of an open batch aside until a time. Returns 1, or 0 when it is put aside already. In a queue with a
-- `retry_limit`, an event that was tried as often becomes a dead letter.
create or replace function pgq.event_retry(x_batch_id bigint, x_event_id bigint, x_retry_time timestamp with time zone)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    b record;
    ev pgq.event_template;
begin
    select s.sub_id, s.sub_queue, s.sub_consumer, o.retry_limit into b
      from pgq.ostler_batch(x_batch_id) s left join pgq.ostler_queue o on o.oq_queue = s.sub_queue;
    if not found then
        raise exception 'event not found';
    end if;
    select * into ev from pgq.ostler_batch_event(x_batch_id, x_event_id);
    if not found then
        raise exception 'event not found';
    end if;
    if coalesce(ev.ev_retry, 0) >= b.retry_limit then
        return pgq.ostler_bury(b.sub_id, b.sub_queue, ev, 'tried again ' || b.retry_limit || ' times');
    end if;
    insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry,
                                 ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
        values (x_retry_time, b.sub_queue, ev.ev_id, ev.ev_time, null, b.sub_id, coalesce(ev.ev_retry, 0) + 1,
                ev.ev_type, ev.ev_data, ev.ev_extra1, ev.ev_extra2, ev.ev_extra3, ev.ev_extra4)
        on conflict on constraint rq_pkey do nothing;
    if not found then
        return 0;
    end if;
    -- The ticker may sleep beyond that time.
    perform pgq.ostler_wake(b.sub_queue);
    return 1;
end
$$;
