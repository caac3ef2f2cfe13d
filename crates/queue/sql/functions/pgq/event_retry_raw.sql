-- Puts an event of the caller's making among those to be tried again by a consumer. Returns its id, made when NULL.
create or replace function pgq.event_retry_raw(x_queue text, x_consumer text, x_retry_after timestamp with time zone, x_ev_id bigint, x_ev_time timestamp with time zone, x_ev_retry integer, x_ev_type text, x_ev_data text, x_ev_extra1 text, x_ev_extra2 text, x_ev_extra3 text, x_ev_extra4 text)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    sub record;
    id bigint := x_ev_id;
begin
    select s.sub_id, s.sub_queue, q.queue_event_seq into sub
      from pgq.queue q, pgq.consumer c, pgq.ostler_subscriber s
     where q.queue_name = x_queue and c.co_name = x_consumer
       and s.sub_queue = q.queue_id and s.sub_consumer = c.co_id;
    if not found then
        raise exception 'consumer not registered';
    end if;
    if id is null then
        id := nextval(sub.queue_event_seq::regclass);
    end if;
    insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_owner, ev_retry,
                                 ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
        values (x_retry_after, sub.sub_queue, id, x_ev_time, sub.sub_id, x_ev_retry,
                x_ev_type, x_ev_data, x_ev_extra1, x_ev_extra2, x_ev_extra3, x_ev_extra4);
    -- The ticker may sleep beyond that time.
    perform pgq.ostler_wake(sub.sub_queue);
    return id;
end
$$;
