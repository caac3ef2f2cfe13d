-- Puts all events of a batch aside. Returns how many, without those that were already. Does not finish the batch.
create or replace function pgq.batch_retry(i_batch_id bigint, i_retry_seconds integer)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    b record;
    queued integer;
    buried integer := 0;
    ev pgq.event_template;
begin
    select s.sub_id, s.sub_queue, s.sub_consumer, o.retry_limit into b
      from pgq.ostler_batch(i_batch_id) s left join pgq.ostler_queue o on o.oq_queue = s.sub_queue;
    if not found then
        raise exception 'batch_retry: batch % not found', i_batch_id;
    end if;
    execute 'insert into pgq.retry_queue (ev_retry_after, ev_queue, ev_id, ev_time, ev_txid, ev_owner, ev_retry,'
         || ' ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)'
         || ' select current_timestamp + $1 * interval ''1 second'', $2, ev_id, ev_time, null, $3, coalesce(ev_retry, 0) + 1,'
         || ' ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from (' || pgq.batch_event_sql(i_batch_id) || ') e'
         || ' where $4 is null or coalesce(ev_retry, 0) < $4'
         || ' on conflict on constraint rq_pkey do nothing'
      using i_retry_seconds, b.sub_queue, b.sub_id, b.retry_limit;
    get diagnostics queued = row_count;
    if queued > 0 then
        -- The ticker may sleep beyond that time.
        perform pgq.ostler_wake(b.sub_queue);
    end if;
    if b.retry_limit is not null then
        for ev in
            execute 'select ev_id, ev_time, ev_txid, null::integer, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4'
                 || ' from (' || pgq.batch_event_sql(i_batch_id) || ') e where coalesce(ev_retry, 0) >= $1' using b.retry_limit
        loop
            buried := buried + pgq.ostler_bury(b.sub_id, b.sub_queue, ev, 'tried again ' || b.retry_limit || ' times');
        end loop;
    end if;
    return queued + buried;
end
$$;
