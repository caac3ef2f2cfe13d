-- Makes an event of an open batch a dead letter at once. Returns 1, or 0 when it is one already.
create or replace function pgq.event_dead(i_batch_id bigint, i_event_id bigint, i_reason text)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    b record;
    ev pgq.event_template;
begin
    select * into b from pgq.ostler_batch(i_batch_id);
    if not found then
        raise exception 'event not found';
    end if;
    select * into ev from pgq.ostler_batch_event(i_batch_id, i_event_id);
    if not found then
        raise exception 'event not found';
    end if;
    return pgq.ostler_bury(b.sub_id, b.sub_queue, ev, i_reason);
end
$$;
