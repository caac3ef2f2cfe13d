-- Closes a member's batch. Returns 1; 0 with a warning when there is no such batch.
create or replace function pgq_coop.finish_batch(i_batch_id bigint)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    b record;
begin
    select * into b from pgq.ostler_batch(i_batch_id);
    if found then
        perform 1 from pgq.ostler_subscriber s
          where s.sub_queue = b.sub_queue and s.sub_consumer = b.sub_consumer for no key update;
        select * into b from pgq.ostler_batch(i_batch_id);
    end if;
    if not found then
        raise warning 'coop_finish_batch: batch % not found', i_batch_id;
        return 0;
    end if;
    perform pgq.ostler_place(b.sub_queue, b.sub_consumer, null, now(), null, null);
    return 1;
end
$$;
