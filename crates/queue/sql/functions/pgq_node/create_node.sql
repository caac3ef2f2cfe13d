-- Makes this database a node of a queue.
create or replace function pgq_node.create_node(i_queue_name text, i_node_type text, i_node_name text, i_worker_name text, i_provider_name text, i_global_watermark bigint, i_combined_queue text, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    position bigint := i_global_watermark;
    provider text := i_provider_name;
begin
    if exists (select from pgq_node.node_info n where n.queue_name = i_queue_name) then
        ret_code := 401;
        ret_note := 'Node already initialized';
        return;
    end if;

    if i_node_type = 'root' then
        if coalesce(i_provider_name, i_global_watermark::text, i_combined_queue) is not null then
            ret_code := 401;
            ret_note := 'unexpected args for root';
            return;
        end if;
        perform pgq.create_queue(i_queue_name);
        perform pgq.register_consumer(i_queue_name, '.global_watermark');
        select c.last_tick into position from pgq.get_consumer_info(i_queue_name, '.global_watermark') c;
        provider := i_node_name;
    elsif i_node_type in ('branch', 'leaf') then
        if i_provider_name is null then
            ret_code := 401;
            ret_note := 'provider not set for ' || i_node_type;
            return;
        end if;
        if i_global_watermark is null then
            ret_code := 401;
            ret_note := 'global watermark not set for ' || i_node_type;
            return;
        end if;
        if i_node_type = 'branch' then
            perform pgq.create_queue(i_queue_name);
            update pgq.queue q set queue_external_ticker = true, queue_disable_insert = true where q.queue_name = i_queue_name;
            -- The position that the node starts from is a tick here too.
            if not exists (select from pgq.queue q join pgq.tick t on t.tick_queue = q.queue_id
                            where q.queue_name = i_queue_name and t.tick_id = i_global_watermark) then
                perform pgq.ticker(i_queue_name, i_global_watermark, now(), 1);
            end if;
            perform pgq.register_consumer_at(i_queue_name, '.global_watermark', i_global_watermark);
        elsif i_combined_queue is not null
              and not exists (select from pgq.queue q where q.queue_name = i_combined_queue) then
            ret_code := 401;
            ret_note := 'non-existing queue on leaf side: ' || i_combined_queue;
            return;
        end if;
    end if;

    insert into pgq_node.node_info (queue_name, node_type, node_name, worker_name, combined_queue)
        values (i_queue_name, i_node_type, i_node_name, i_worker_name, i_combined_queue);
    insert into pgq_node.local_state (queue_name, consumer_name, provider_node, last_tick_id)
        values (i_queue_name, i_worker_name, provider, position);
    ret_code := 200;
    ret_note := 'Node "' || i_node_name || '" initialized for queue "' || i_queue_name || '" with type "' || i_node_type || '"';
end
$$;
