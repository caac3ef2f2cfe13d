-- Lets another node follow this one, from a tick or the global watermark.
create or replace function pgq_node.register_subscriber(i_queue_name text, i_remote_node_name text, i_remote_worker_name text, i_custom_tick_id bigint, out ret_code integer, out ret_note text, out global_watermark bigint)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    kind text;
    mark_name text := '.' || i_remote_node_name || '.watermark';
begin
    select n.node_type into kind from pgq_node.node_info n where n.queue_name = i_queue_name;
    if not found then
        ret_code := 404;
        ret_note := 'Unknown queue: ' || i_queue_name;
        return;
    end if;
    if kind = 'leaf' then
        ret_code := 401;
        ret_note := 'Cannot subscribe to leaf node';
        return;
    end if;
    select c.last_tick into global_watermark from pgq.get_consumer_info(i_queue_name, '.global_watermark') c;
    perform pgq.register_consumer_at(i_queue_name, mark_name, global_watermark);
    perform pgq.register_consumer_at(i_queue_name, i_remote_worker_name, coalesce(i_custom_tick_id, global_watermark));
    insert into pgq_node.subscriber_info (queue_name, subscriber_node, worker_name, watermark_name)
        values (i_queue_name, i_remote_node_name, i_remote_worker_name, mark_name);
    ret_code := 200;
    ret_note := 'Subscriber registered: ' || i_remote_node_name;
end
$$;
