-- Whether this database is the root of a queue.
create or replace function pgq_node.is_root_node(i_queue_name text)
returns boolean
language plpgsql
as $$
declare
    kind text;
begin
    select n.node_type into kind from pgq_node.node_info n where n.queue_name = i_queue_name;
    if not found then
        raise exception 'queue does not exist: %', i_queue_name;
    end if;
    return kind = 'root';
end
$$;
