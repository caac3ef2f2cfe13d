-- Records where a subscriber is after this version of its position. False when that is not the newest one any more. i_segment is
-- what ostler_segment said to the statement that read the version: as that one read positions, it cannot have changed since.
create or replace function pgq.ostler_place_after(i_version bigint, i_segment integer, i_queue integer, i_consumer integer, i_last_tick bigint, i_active timestamp with time zone, i_batch bigint, i_next_tick bigint)
returns boolean
language plpgsql
as $$
begin
    if i_segment = 0 then
        insert into pgq.ostler_position_0 (pos_queue, pos_consumer, pos_version, pos_last_tick, pos_active, pos_batch, pos_next_tick)
            values (i_queue, i_consumer, i_version + 1, i_last_tick, i_active, i_batch, i_next_tick)
            on conflict do nothing;
    else
        insert into pgq.ostler_position_1 (pos_queue, pos_consumer, pos_version, pos_last_tick, pos_active, pos_batch, pos_next_tick)
            values (i_queue, i_consumer, i_version + 1, i_last_tick, i_active, i_batch, i_next_tick)
            on conflict do nothing;
    end if;
    return found;
end
$$;
