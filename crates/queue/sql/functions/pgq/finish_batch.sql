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
    select * into b from pgq.ostler_batch(x_batch_id);
    if found then
        perform 1 from pgq.ostler_subscriber s
          where s.sub_queue = b.sub_queue and s.sub_consumer = b.sub_consumer for no key update;
        -- Once more, now that nobody else can move it.
        select * into b from pgq.ostler_batch(x_batch_id);
    end if;
    if not found then
        raise warning 'finish_batch: batch % not found', x_batch_id;
        return 0;
    end if;
    perform pgq.ostler_place(b.sub_queue, b.sub_consumer, b.next_tick, now(), null, null);
    return 1;
end
$$;
