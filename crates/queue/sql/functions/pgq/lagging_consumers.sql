-- Consumers that are behind by more than their queue's limit: by a finished tick that is that old while later ones exist.
create or replace function pgq.lagging_consumers(out queue_name text, out consumer_name text, out lag interval, out lag_limit interval, out lag_action text, out last_tick bigint, out pending_events bigint)
returns setof record
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
select c.queue_name, c.consumer_name, c.lag, o.lag_limit, o.lag_action, c.last_tick, c.pending_events
  from pgq.get_consumer_info() c
  join pgq.queue q on q.queue_name = c.queue_name
  join pgq.ostler_queue o on o.oq_queue = q.queue_id
 where c.lag > o.lag_limit and c.consumer_name <> '.global_watermark'
   and exists (select from pgq.tick t where t.tick_queue = q.queue_id and t.tick_id > c.last_tick
                  and t.tick_time < current_timestamp - o.lag_limit)
$$;
