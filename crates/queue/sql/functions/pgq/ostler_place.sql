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
    if (select s.segment from pgq.ostler_segment s) = 0 then
        insert into pgq.ostler_position_0 (pos_queue, pos_consumer, pos_version, pos_last_tick, pos_active, pos_batch, pos_next_tick)
            values (i_queue, i_consumer, coalesce(version, 0) + 1, i_last_tick, i_active, i_batch, i_next_tick);
    else
        insert into pgq.ostler_position_1 (pos_queue, pos_consumer, pos_version, pos_last_tick, pos_active, pos_batch, pos_next_tick)
            values (i_queue, i_consumer, coalesce(version, 0) + 1, i_last_tick, i_active, i_batch, i_next_tick);
    end if;
end
$$;
