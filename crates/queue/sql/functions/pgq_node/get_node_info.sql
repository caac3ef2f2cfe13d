-- What this node is, and how far it and its followers are.
create or replace function pgq_node.get_node_info(i_queue_name text, out ret_code integer, out ret_note text, out node_type text, out node_name text, out global_watermark bigint, out local_watermark bigint, out provider_node text, out provider_location text, out combined_queue text, out combined_type text, out worker_name text, out worker_paused boolean, out worker_uptodate boolean, out worker_last_tick bigint, out node_attrs text, out target_for text[])
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    marks record;
begin
    select 100, 'Ok', n.node_type, n.node_name, s.provider_node, l.node_location, n.combined_queue, cn.node_type,
           n.worker_name, s.paused, s.uptodate, s.last_tick_id, n.node_attrs
      into ret_code, ret_note, node_type, node_name, provider_node, provider_location, combined_queue, combined_type,
           worker_name, worker_paused, worker_uptodate, worker_last_tick, node_attrs
      from pgq_node.node_info n
      left join pgq_node.local_state s on s.queue_name = n.queue_name and s.consumer_name = n.worker_name
      left join pgq_node.node_location l on l.queue_name = s.queue_name and l.node_name = s.provider_node
      left join pgq_node.node_info cn on cn.queue_name = n.combined_queue
     where n.queue_name = i_queue_name;
    if not found then
        ret_code := 404;
        ret_note := 'Unknown queue: ' || i_queue_name;
        return;
    end if;
    if node_type in ('root', 'branch') then
        select * into marks from pgq_node.ostler_watermarks(i_queue_name);
        local_watermark := marks.local_watermark;
        global_watermark := marks.global_watermark;
        if node_type = 'root' then
            worker_last_tick := marks.top;
        end if;
    else
        local_watermark := worker_last_tick;
    end if;
    select array_agg(n.queue_name order by n.queue_name) into target_for
      from pgq_node.node_info n where n.combined_queue = i_queue_name;
end
$$;
