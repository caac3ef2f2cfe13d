-- Moves the position behind which no node needs anything. A root publishes it, by default its local watermark; a branch follows
-- when it has that tick.
create or replace function pgq_node.set_global_watermark(i_queue_name text, i_watermark bigint, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    kind text;
    mark bigint := i_watermark;
begin
    select n.node_type into kind from pgq_node.node_info n where n.queue_name = i_queue_name for update;
    if not found then
        ret_code := 404;
        -- PgQ has no space here.
        ret_note := 'Queue' || i_queue_name || ' not found';
        return;
    end if;
    if kind = 'leaf' then
        ret_code := 100;
        ret_note := 'Ignoring global watermark in leaf';
        return;
    end if;
    if kind = 'root' then
        if mark is null then
            select m.local_watermark into mark from pgq_node.ostler_watermarks(i_queue_name) m;
        end if;
        perform pgq.register_consumer_at(i_queue_name, '.global_watermark', mark);
        perform pgq.insert_event(i_queue_name, 'pgq.global-watermark', mark::text, i_queue_name, null, null, null);
    else
        if mark is null then
            ret_code := 500;
            ret_note := 'bad usage: wm=null on branch node';
            return;
        end if;
        if not exists (select from pgq.queue q join pgq.tick t on t.tick_queue = q.queue_id
                        where q.queue_name = i_queue_name and t.tick_id = mark) then
            ret_code := 200;
            ret_note := 'Skipping global watermark update to ' || mark;
            return;
        end if;
        perform pgq.register_consumer_at(i_queue_name, '.global_watermark', mark);
    end if;
    ret_code := 200;
    ret_note := 'Global watermark set to ' || mark;
end
$$;
