-- What the worker of this node has to know.
create or replace function pgq_node.get_worker_state(i_queue_name text, out ret_code integer, out ret_note text, out node_type text, out node_name text, out completed_tick bigint, out provider_node text, out provider_location text, out paused boolean, out uptodate boolean, out cur_error text, out worker_name text, out global_watermark bigint, out local_watermark bigint, out local_queue_top bigint, out combined_queue text, out combined_type text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    select 100, 'Ok', n.node_type, n.node_name, s.last_tick_id, s.provider_node, l.node_location, s.paused, s.uptodate, s.cur_error,
           n.worker_name, n.combined_queue, cn.node_type
      into ret_code, ret_note, node_type, node_name, completed_tick, provider_node, provider_location, paused, uptodate, cur_error,
           worker_name, combined_queue, combined_type
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
        select m.top, m.local_watermark, m.global_watermark into local_queue_top, local_watermark, global_watermark
          from pgq_node.ostler_watermarks(i_queue_name) m;
    else
        local_watermark := completed_tick;
    end if;
end
$$;
