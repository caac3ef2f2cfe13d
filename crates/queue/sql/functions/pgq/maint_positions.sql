-- Empties the segment of positions that is not written to, after it brought the newest ones in it forward, and makes it the one
-- that is written to. Returns 0. While it waits, which is not long, consumers wait behind it; a transaction that has read or
-- changed positions and stays open makes it give up until the next round.
create or replace function pgq.maint_positions()
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '300ms'
as $$
declare
    seg integer;
    other text;
begin
    if not pgq.ostler_segment_due() then
        return 0;
    end if;
    begin
        -- Whoever has read a position holds a lock until it has placed the next one: nobody is in between when we get these.
        lock table pgq.ostler_position_0, pgq.ostler_position_1 in access exclusive mode;
    exception when lock_not_available then
        return 0;
    end;
    select segment into seg from pgq.ostler_segment for update;
    other := 'pgq.ostler_position_' || 1 - seg;
    perform pgq.ostler_place(p.pos_queue, p.pos_consumer, p.pos_last_tick, p.pos_active, p.pos_batch, p.pos_next_tick)
       from pgq.ostler_subscriber s
      cross join lateral (
            select n.*, n.tableoid as home from pgq.ostler_position n
             where n.pos_queue = s.sub_queue and n.pos_consumer = s.sub_consumer
             order by n.pos_version desc limit 1) p
      where p.home = other::regclass;
    execute 'truncate only ' || other;
    update pgq.ostler_segment set segment = 1 - seg, switched_at = current_timestamp;
    return 0;
end
$$;
