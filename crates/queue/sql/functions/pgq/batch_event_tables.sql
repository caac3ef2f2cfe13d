-- The tables that may hold events of a batch: all of the queue, without the current one when the switch to it is younger than
-- the batch. That a table was switched away from long ago does not tell that nothing new is in it: a transaction under
-- REPEATABLE READ writes to the table that was current in its snapshot. A table without such events costs an index probe.
create or replace function pgq.batch_event_tables(x_batch_id bigint)
returns setof text
language plpgsql
as $$
declare
    b record;
begin
    select q.queue_data_pfx, q.queue_ntables as n, q.queue_cur_table as cur, q.queue_switch_step1 as step1,
           txid_snapshot_xmax(z.tick_snapshot) as highest
      into b
      from pgq.ostler_batch(x_batch_id) s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.tick a on a.tick_queue = s.sub_queue and a.tick_id = s.last_tick
      join pgq.tick z on z.tick_queue = s.sub_queue and z.tick_id = s.next_tick;
    if not found then
        raise exception 'Cannot find data for batch %', x_batch_id;
    end if;
    for i in 1 .. b.n - 1 loop
        return next b.queue_data_pfx || '_' || (b.cur + i) % b.n;
    end loop;
    if b.highest > b.step1 then
        return next b.queue_data_pfx || '_' || b.cur;
    end if;
end
$$;
