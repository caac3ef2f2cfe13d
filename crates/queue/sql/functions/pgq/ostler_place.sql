-- Records where a subscriber is now. The caller holds the lock on its row in ostler_subscriber. Under REPEATABLE READ the
-- snapshot may be older than that lock: then the version is taken already, and the unique index stops a stale position.
create or replace function pgq.ostler_place(i_queue integer, i_consumer integer, i_last_tick bigint, i_active timestamp with time zone, i_batch bigint, i_next_tick bigint)
returns void
language plpgsql
as $$
declare
    version bigint;
begin
    select p.pos_version into version from pgq.ostler_position p
     where p.pos_queue = i_queue and p.pos_consumer = i_consumer
     order by p.pos_version desc limit 1;
    if not pgq.ostler_place_after(coalesce(version, 0), (select s.segment from pgq.ostler_segment s),
        i_queue, i_consumer, i_last_tick, i_active, i_batch, i_next_tick)
    then
        raise exception 'consumer % of queue % was moved meanwhile', i_consumer, i_queue using errcode = 'serialization_failure';
    end if;
end
$$;
