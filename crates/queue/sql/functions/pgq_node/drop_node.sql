-- Removes a node: this one with its queue and all that is known here of the others, or another one's subscription and location.
create or replace function pgq_node.drop_node(i_queue_name text, i_node_name text, out ret_code integer, out ret_note text)
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
    if found and me.node_name = i_node_name then
        delete from pgq_node.subscriber_info s where s.queue_name = i_queue_name;
        delete from pgq_node.local_state s where s.queue_name = i_queue_name;
        delete from pgq_node.node_info n where n.queue_name = i_queue_name;
        if exists (select from pgq.queue q where q.queue_name = i_queue_name) then
            perform pgq.drop_queue(i_queue_name, true);
        end if;
        delete from pgq_node.node_location l where l.queue_name = i_queue_name;
    elsif found and me.provider_node = i_node_name then
        ret_code := 405;
        ret_note := 'Cannot drop provider node: ' || i_node_name;
        return;
    else
        perform pgq_node.unregister_subscriber(i_queue_name, i_node_name);
        perform pgq_node.unregister_location(i_queue_name, i_node_name);
    end if;
    ret_code := 200;
    ret_note := 'Node dropped: ' || i_node_name;
end
$$;
