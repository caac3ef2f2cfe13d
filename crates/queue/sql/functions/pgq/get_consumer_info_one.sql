-- Where consumers are; NULL for all queues or all consumers. The lag is the age of the last tick that was finished.
create or replace function pgq.get_consumer_info(i_queue_name text, i_consumer_name text, out queue_name text, out consumer_name text, out lag interval, out last_seen interval, out last_tick bigint, out current_batch bigint, out next_tick bigint, out pending_events bigint)
returns setof record
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
select q.queue_name, c.co_name, current_timestamp - t.tick_time, current_timestamp - p.pos_active,
       p.pos_last_tick, p.pos_batch, p.pos_next_tick, top.tick_event_seq - t.tick_event_seq
  from pgq.ostler_subscriber s
  join pgq.queue q on q.queue_id = s.sub_queue
  join pgq.consumer c on c.co_id = s.sub_consumer
 cross join lateral (
       select n.pos_last_tick, n.pos_active, n.pos_batch, n.pos_next_tick from pgq.ostler_position n
        where n.pos_queue = s.sub_queue and n.pos_consumer = s.sub_consumer
        order by n.pos_version desc limit 1) p
  left join pgq.tick t on t.tick_queue = s.sub_queue and t.tick_id = p.pos_last_tick
  left join lateral (
       select n.tick_event_seq from pgq.tick n where n.tick_queue = s.sub_queue order by n.tick_id desc limit 1) top on true
 where (i_queue_name is null or q.queue_name = i_queue_name)
   and (i_consumer_name is null or c.co_name = i_consumer_name)
 order by q.queue_name, c.co_name
$$;
