-- Closes a batch: the consumer goes on after it. Returns 1; 0 with a warning when there is no such batch.
create or replace function pgq.finish_batch(x_batch_id bigint)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    b record;
begin
    loop
        select o.sub_queue, o.sub_consumer, o.next_tick, o.version, o.segment into b
          from pgq.ostler_batch(x_batch_id) o
          join pgq.ostler_subscriber s on s.sub_queue = o.sub_queue and s.sub_consumer = o.sub_consumer
           for no key update of s;
        if not found then
            raise warning 'finish_batch: batch % not found', x_batch_id;
            return 0;
        end if;
        -- Again, when somebody moved it while we waited for the lock.
        exit when pgq.ostler_place_after(b.version, b.segment, b.sub_queue, b.sub_consumer, b.next_tick, now(), null, null);
    end loop;
    return 1;
end
$$;
