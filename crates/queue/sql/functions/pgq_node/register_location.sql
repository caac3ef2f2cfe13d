-- Records where a node is; NULL keeps the connect string that is known. A root tells the others.
create or replace function pgq_node.register_location(i_queue_name text, i_node_name text, i_node_location text, i_dead boolean, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    place text;
begin
    insert into pgq_node.node_location as l (queue_name, node_name, node_location, dead)
        values (i_queue_name, i_node_name, coalesce(i_node_location, ''), i_dead)
        on conflict on constraint node_location_pkey
        do update set node_location = coalesce(i_node_location, l.node_location), dead = excluded.dead
        returning l.node_location into place;
    if exists (select from pgq_node.node_info n where n.queue_name = i_queue_name and n.node_type = 'root') then
        perform pgq.insert_event(i_queue_name, 'pgq.location-info', i_node_name, i_queue_name, place, i_dead::text, null);
    end if;
    ret_code := 200;
    ret_note := 'Location registered';
end
$$;
