-- The nodes that follow this one, and how far they are.
create or replace function pgq_node.get_subscriber_info(i_queue_name text, out node_name text, out worker_name text, out node_watermark bigint)
returns setof record
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
select s.subscriber_node, s.worker_name,
       (select c.last_tick from pgq.get_consumer_info(s.queue_name, s.watermark_name) c)
  from pgq_node.subscriber_info s where s.queue_name = i_queue_name order by s.subscriber_node
$$;
