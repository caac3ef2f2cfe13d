-- Forgets where a node is, and its subscription. A root tells the others.
create or replace function pgq_node.unregister_location(i_queue_name text, i_node_name text, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    me record;
begin
    select n.node_type, n.node_name, s.provider_node into me
      from pgq_node.node_info n
      left join pgq_node.local_state s on s.queue_name = n.queue_name and s.consumer_name = n.worker_name
     where n.queue_name = i_queue_name;
    if found then
        if me.node_name = i_node_name then
            ret_code := 403;
            ret_note := 'Cannot drop node''s own location';
            return;
        end if;
        if me.provider_node = i_node_name then
            ret_code := 403;
            ret_note := 'Cannot drop location of node''s parent';
            return;
        end if;
        if exists (select from pgq_node.subscriber_info s where s.queue_name = i_queue_name and s.subscriber_node = i_node_name) then
            perform pgq_node.unregister_subscriber(i_queue_name, i_node_name);
        end if;
        if me.node_type = 'root' then
            perform pgq.insert_event(i_queue_name, 'pgq.unregister-location', i_node_name, i_queue_name, null, null, null);
        end if;
    end if;
    delete from pgq_node.node_location l where l.queue_name = i_queue_name and l.node_name = i_node_name;
    if found then
        ret_code := 200;
        ret_note := 'Ok';
    else
        ret_code := 301;
        ret_note := 'Location not found: ' || i_queue_name || '/' || i_node_name;
    end if;
end
$$;
