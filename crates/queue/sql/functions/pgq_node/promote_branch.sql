-- Makes a branch the root.
create or replace function pgq_node.promote_branch(i_queue_name text, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    me record;
    q record;
    top bigint;
begin
    select n.node_type, n.node_name, n.worker_name into me from pgq_node.node_info n where n.queue_name = i_queue_name for update;
    if not found then
        ret_code := 404;
        ret_note := 'Node not initialized for queue: ' || i_queue_name;
        return;
    end if;
    if me.node_type <> 'branch' then
        ret_code := 301;
        ret_note := 'Node not branch';
        return;
    end if;
    update pgq.queue t set queue_disable_insert = false, queue_external_ticker = false where t.queue_name = i_queue_name
        returning t.queue_id, t.queue_tick_seq into strict q;
    select max(t.tick_id) into top from pgq.tick t where t.tick_queue = q.queue_id;
    perform pgq.seq_setval(q.queue_tick_seq, top);
    update pgq_node.node_info n set node_type = 'root' where n.queue_name = i_queue_name;
    update pgq_node.local_state s set provider_node = me.node_name, last_tick_id = top, uptodate = false
     where s.queue_name = i_queue_name and s.consumer_name = me.worker_name;
    ret_code := 200;
    ret_note := 'Branch node promoted to root';
end
$$;
