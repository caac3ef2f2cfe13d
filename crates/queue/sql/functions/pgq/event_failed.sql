-- Puts an event of an open batch aside after a failure: for `retry_delay`, longer by `retry_factor` each time, at most
-- `retry_delay_max`. After `retry_limit` times it becomes a dead letter. Returns when it comes again; NULL: it does not.
create or replace function pgq.event_failed(i_batch_id bigint, i_event_id bigint, i_reason text)
returns timestamp with time zone
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    b record;
    ev pgq.event_template;
    rule record;
    tries integer;
    again timestamptz;
begin
    select * into b from pgq.ostler_batch(i_batch_id);
    if not found then
        raise exception 'event not found';
    end if;
    select * into ev from pgq.ostler_batch_event(i_batch_id, i_event_id);
    if not found then
        raise exception 'event not found';
    end if;
    tries := coalesce(ev.ev_retry, 0);
    select o.retry_limit, o.retry_delay, o.retry_factor, o.retry_delay_max into rule
      from pgq.ostler_queue o where o.oq_queue = b.sub_queue;
    if not found then
        select null::integer as retry_limit, interval '10 seconds' as retry_delay, 2::float8 as retry_factor,
               interval '1 hour' as retry_delay_max into rule;
    end if;
    if tries >= rule.retry_limit then
        perform pgq.ostler_bury(b.sub_id, b.sub_queue, ev, i_reason);
        return null;
    end if;
    -- The exponent is bounded so that the product is a number; the longest delay was reached long before.
    again := current_timestamp + least(
        make_interval(secs => least(extract(epoch from rule.retry_delay)::float8 * power(rule.retry_factor, least(tries, 60)), 1e9)),
        rule.retry_delay_max);
    insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry,
                                 ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
        values (again, b.sub_queue, ev.ev_id, ev.ev_time, null, b.sub_id, tries + 1,
                ev.ev_type, ev.ev_data, ev.ev_extra1, ev.ev_extra2, ev.ev_extra3, ev.ev_extra4)
        on conflict on constraint rq_pkey do nothing;
    -- The ticker may sleep beyond that time.
    perform pgq.ostler_wake(b.sub_queue);
    return again;
end
$$;
