-- Does what queues' `lag_action` says about consumers beyond `lag_limit`. alert: nothing here, lagging_consumers() tells. pause:
-- inserts are refused until nobody lags. expire: the consumer is unregistered, and where it was is recorded in ostler_expired.
-- Returns 0.
create or replace function pgq.maint_consumer_limits()
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    late record;
    q record;
begin
    for late in select * from pgq.lagging_consumers() loop
        if late.lag_action = 'expire' then
            insert into pgq.ostler_expired (ex_queue, ex_consumer, ex_sub_id, ex_last_tick, ex_tick_time, ex_event_seq, ex_batch, ex_lag, ex_reason)
                select late.queue_name, late.consumer_name, s.sub_id, s.sub_last_tick, t.tick_time, t.tick_event_seq, s.sub_batch, late.lag,
                       'lag is more than ' || late.lag_limit
                  from pgq.subscription s
                  join pgq.queue n on n.queue_id = s.sub_queue and n.queue_name = late.queue_name
                  join pgq.consumer c on c.co_id = s.sub_consumer and c.co_name = late.consumer_name
                  left join pgq.tick t on t.tick_queue = s.sub_queue and t.tick_id = s.sub_last_tick;
            perform pgq.unregister_consumer(late.queue_name, late.consumer_name);
            raise warning 'consumer % of queue % is % behind and was unregistered', late.consumer_name, late.queue_name, late.lag;
        elsif late.lag_action = 'pause' then
            update pgq.queue n set queue_disable_insert = true where n.queue_name = late.queue_name and not n.queue_disable_insert
                returning n.queue_id into q;
            if found then
                update pgq.ostler_queue o set lag_paused = true where o.oq_queue = q.queue_id;
                raise warning 'queue % takes no events: consumer % is % behind', late.queue_name, late.consumer_name, late.lag;
            end if;
        else
            raise notice 'consumer % of queue % is % behind', late.consumer_name, late.queue_name, late.lag;
        end if;
    end loop;

    -- What was paused for a dead consumer goes on when none lags any more. What an administrator disabled stays.
    for q in
        select n.queue_id from pgq.ostler_queue o join pgq.queue n on n.queue_id = o.oq_queue
         where o.lag_paused
           and not exists (select from pgq.lagging_consumers() l where l.queue_name = n.queue_name and l.lag_action = 'pause')
    loop
        update pgq.queue n set queue_disable_insert = false where n.queue_id = q.queue_id;
        update pgq.ostler_queue o set lag_paused = false where o.oq_queue = q.queue_id;
    end loop;
    return 0;
end
$$;
