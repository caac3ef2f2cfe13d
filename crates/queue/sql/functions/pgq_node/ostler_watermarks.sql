-- The newest tick of a queue here, the lowest position of all that read it here, and that of the global watermark.
create or replace function pgq_node.ostler_watermarks(i_queue_name text, out top bigint, out local_watermark bigint, out global_watermark bigint)
returns record
language sql
as $$
select t.top,
       coalesce(min(c.last_tick) filter (where c.consumer_name <> '.global_watermark'), t.top),
       min(c.last_tick) filter (where c.consumer_name = '.global_watermark')
  from (select max(k.tick_id) as top from pgq.queue q join pgq.tick k on k.tick_queue = q.queue_id where q.queue_name = i_queue_name) t
  left join pgq.get_consumer_info(i_queue_name) c on true
 group by t.top
$$;
