-- Makes a root a branch, in three steps, each in its own transaction: no more inserts; wait for those that write, and a last
-- tick; the new type and provider.
create or replace function pgq_node.demote_root(i_queue_name text, i_step integer, i_new_provider text, out ret_code integer, out ret_note text, out last_tick bigint)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    me record;
    q record;
begin
    select n.node_type, n.worker_name into me from pgq_node.node_info n where n.queue_name = i_queue_name for update;
    if not found then
        ret_code := 404;
        ret_note := 'Node not initialized for queue: ' || i_queue_name;
        return;
    end if;
    if me.node_type <> 'root' then
        ret_code := 301;
        ret_note := 'Node not root';
        return;
    end if;
    select t.queue_id, t.queue_data_pfx, t.queue_event_seq, t.queue_tick_seq, t.queue_disable_insert, t.queue_external_ticker into strict q
      from pgq.queue t where t.queue_name = i_queue_name for update;
    if i_step > 1 and not (q.queue_disable_insert and q.queue_external_ticker) or i_step not in (1, 2, 3) or i_step is null then
        raise exception 'steps in wrong order';
    end if;

    if i_step = 1 then
        update pgq.queue t set queue_disable_insert = true, queue_external_ticker = true where t.queue_id = q.queue_id;
        ret_note := 'Step 1: Writing disabled for: ' || i_queue_name;
    elsif i_step = 2 then
        -- Writers hold a lock on a child, or are yet to see that they may not write.
        execute 'lock table ' || pgq.quote_fqname(q.queue_data_pfx) || ' in exclusive mode';
        last_tick := pgq.ticker(i_queue_name, nextval(q.queue_tick_seq::regclass), now(), nextval(q.queue_event_seq::regclass));
        ret_note := 'Step 2: Inserted last tick: ' || i_queue_name;
    else
        select max(t.tick_id) into last_tick from pgq.tick t where t.tick_queue = q.queue_id;
        update pgq_node.node_info n set node_type = 'branch' where n.queue_name = i_queue_name;
        update pgq_node.local_state s set provider_node = i_new_provider, last_tick_id = last_tick, uptodate = false
         where s.queue_name = i_queue_name and s.consumer_name = me.worker_name;
        ret_note := 'Step 3: Demoted root to branch: ' || i_queue_name;
    end if;
    ret_code := 200;
end
$$;
