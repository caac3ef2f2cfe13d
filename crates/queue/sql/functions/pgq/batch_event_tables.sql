-- The tables that may hold events of a batch. An event table was written to by transactions that began before the switch away
-- from it was over (step2), and not before the switch to it began (step1).
create or replace function pgq.batch_event_tables(x_batch_id bigint)
returns setof text
language plpgsql
as $$
declare
    b record;
begin
    select q.queue_data_pfx, q.queue_ntables as n, q.queue_cur_table as cur, q.queue_switch_step1 as step1, q.queue_switch_step2 as step2,
           o.prev_step1, o.prev_step2, o.oq_queue is not null and o.prev_step2 is not null as has_older,
           txid_snapshot_xmin(a.tick_snapshot) as lowest, txid_snapshot_xmax(z.tick_snapshot) as highest
      into b
      from pgq.ostler_batch(x_batch_id) s
      join pgq.queue q on q.queue_id = s.sub_queue
      join pgq.tick a on a.tick_queue = s.sub_queue and a.tick_id = s.last_tick
      join pgq.tick z on z.tick_queue = s.sub_queue and z.tick_id = s.next_tick
      left join pgq.ostler_queue o on o.oq_queue = s.sub_queue;
    if not found then
        raise exception 'Cannot find data for batch %', x_batch_id;
    end if;
    if b.has_older and b.lowest <= b.prev_step2 then
        -- A transaction that ran before the switch before the last one wrote, or may have written, to older tables.
        for i in 1 .. b.n - 2 loop
            return next b.queue_data_pfx || '_' || (b.cur + i) % b.n;
        end loop;
    end if;
    if b.n > 1 and (b.step2 is null or b.lowest <= b.step2) then
        return next b.queue_data_pfx || '_' || (b.cur + b.n - 1) % b.n;
    end if;
    if b.highest > b.step1 then
        return next b.queue_data_pfx || '_' || b.cur;
    end if;
end
$$;
