-- Empties the segment of positions that is not written to, after it brought the newest ones in it forward, and makes it the one
-- that is written to. Does nothing while somebody uses that segment, or works on one of those subscribers. Returns 0.
create or replace function pgq.maint_positions()
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    seg integer;
    other text;
    sub record;
begin
    if not pgq.ostler_segment_due() then
        return 0;
    end if;
    select segment into seg from pgq.ostler_segment for update;
    other := 'pgq.ostler_position_' || 1 - seg;
    begin
        -- Whoever reads or writes positions has this lock to the end of its transaction, so no reader is surprised.
        execute 'lock table ' || other || ' in access exclusive mode nowait';
        for sub in
            select s.sub_queue, s.sub_consumer from pgq.ostler_subscriber s order by 1, 2 for no key update of s nowait
        loop
            perform pgq.ostler_place(p.pos_queue, p.pos_consumer, p.pos_last_tick, p.pos_active, p.pos_batch, p.pos_next_tick)
               from (select n.*, n.tableoid::regclass as home from pgq.ostler_position n
                      where n.pos_queue = sub.sub_queue and n.pos_consumer = sub.sub_consumer
                      order by n.pos_version desc limit 1) p
              where p.home = other::regclass;
        end loop;
    exception when lock_not_available then
        return 0;
    end;
    execute 'truncate only ' || other;
    update pgq.ostler_segment set segment = 1 - seg, switched_at = current_timestamp;
    return 0;
end
$$;
