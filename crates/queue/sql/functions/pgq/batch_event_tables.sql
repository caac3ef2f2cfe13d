-- The tables that may hold events of a batch. A table is left out when all transactions that wrote to it have ids from before it
-- was closed (ostler_queue.closed_at), and the batch has none of those.
create or replace function pgq.batch_event_tables(x_batch_id bigint)
returns setof text
language plpgsql
as $$
declare
    b record;
begin
    select q.queue_data_pfx as pfx, q.queue_ntables as n, q.queue_cur_table as cur, o.closed_at, a.tick_snapshot as a, z.tick_snapshot as z
      into b
      from pgq.ostler_batch(x_batch_id) s
      join pgq.queue q on q.queue_id = s.sub_queue
      left join pgq.ostler_queue o on o.oq_queue = s.sub_queue
      join pgq.tick a on a.tick_queue = s.sub_queue and a.tick_id = s.last_tick
      join pgq.tick z on z.tick_queue = s.sub_queue and z.tick_id = s.next_tick;
    if not found then
        raise exception 'Cannot find data for batch %', x_batch_id;
    end if;
    for i in 1 .. b.n loop
        if i = b.n or pgq.ostler_may_hold(b.closed_at[(b.cur + i) % b.n + 1], b.a, b.z) then
            return next b.pfx || '_' || (b.cur + i) % b.n;
        end if;
    end loop;
end
$$;
