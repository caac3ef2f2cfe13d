-- Puts these events of an open batch aside for so many seconds, or makes them dead letters, as pgq.event_retry does with one:
-- the batch is read once for all. Returns how many, without those that were already put aside.
create or replace function pgq.ostler_retry_events(x_batch_id bigint, x_event_ids bigint[], x_retry_seconds integer)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    b record;
    queued integer;
    buried integer := 0;
    found_events bigint;
    ev pgq.event_template;
    events text;
begin
    select s.sub_id, s.sub_queue, s.sub_consumer, o.retry_limit into b
      from pgq.ostler_batch(x_batch_id) s left join pgq.ostler_queue o on o.oq_queue = s.sub_queue;
    if not found then
        raise exception 'event not found';
    end if;
    events := ' from (' || pgq.batch_event_sql(x_batch_id) || ') e join (select distinct unnest($1) as id) t on t.id = e.ev_id';
    execute 'select count(*)' || events into found_events using x_event_ids;
    if found_events <> (select count(distinct id) from unnest(x_event_ids) id) then
        raise exception 'event not found';
    end if;
    execute 'insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry,'
         || ' ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
         || ' select current_timestamp + $2 * interval ''1 second'', $3, ev_id, ev_time, null, $4, coalesce(ev_retry, 0) + 1,'
         || ' ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4' || events
         || ' where $5 is null or coalesce(ev_retry, 0) < $5'
         || ' on conflict on constraint rq_pkey do nothing'
      using x_event_ids, x_retry_seconds, b.sub_queue, b.sub_id, b.retry_limit;
    get diagnostics queued = row_count;
    if queued > 0 then
        -- The ticker may sleep beyond that time.
        perform pgq.ostler_wake(b.sub_queue);
    end if;
    if b.retry_limit is not null then
        for ev in
            execute 'select ev_id, ev_time, ev_txid, null::integer, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4'
                 || events || ' where coalesce(ev_retry, 0) >= $2' using x_event_ids, b.retry_limit
        loop
            buried := buried + pgq.ostler_bury(b.sub_id, b.sub_queue, ev, 'tried again ' || b.retry_limit || ' times');
        end loop;
    end if;
    return queued + buried;
end
$$;
