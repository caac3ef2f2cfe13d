-- The tables that may hold events of a batch: all of the queue's. Which table a transaction writes to follows from its snapshot,
-- and under REPEATABLE READ that may be much older than its id: one that began before two switches and inserted its first event
-- after them has a new id and wrote to the oldest table. A table with nothing of the batch costs two empty index ranges.
create or replace function pgq.batch_event_tables(x_batch_id bigint)
returns setof text
language plpgsql
as $$
declare
    b record;
begin
    select q.queue_data_pfx, q.queue_ntables as n, q.queue_cur_table as cur
      into b
      from pgq.ostler_batch(x_batch_id) s
      join pgq.queue q on q.queue_id = s.sub_queue;
    if not found then
        raise exception 'Cannot find data for batch %', x_batch_id;
    end if;
    for i in 1 .. b.n loop
        return next b.queue_data_pfx || '_' || (b.cur + i) % b.n;
    end loop;
end
$$;
