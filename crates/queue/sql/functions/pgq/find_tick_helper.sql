-- The tick that ends a batch of at least so many events (by sequence) or so much time after the previous tick. The newest one,
-- unless that is more than twice what was wished for: then the first that is enough. NULLs: no tick is.
create or replace function pgq.find_tick_helper(i_queue_id integer, i_prev_tick_id bigint, i_prev_tick_time timestamp with time zone, i_prev_tick_seq bigint, i_min_count bigint, i_min_interval interval, out next_tick_id bigint, out next_tick_time timestamp with time zone, out next_tick_seq bigint)
returns record
language plpgsql
stable
as $$
declare
    enough boolean;
    too_much boolean;
begin
    select t.tick_id, t.tick_time, t.tick_event_seq into next_tick_id, next_tick_time, next_tick_seq
      from pgq.tick t
     where t.tick_queue = i_queue_id and t.tick_id > i_prev_tick_id
     order by t.tick_id desc limit 1;
    if not found then
        return;
    end if;
    enough := coalesce(next_tick_seq - i_prev_tick_seq >= i_min_count, false)
           or coalesce(next_tick_time - i_prev_tick_time >= i_min_interval, false);
    if not enough then
        next_tick_id := null;
        next_tick_time := null;
        next_tick_seq := null;
        return;
    end if;
    too_much := coalesce(next_tick_seq - i_prev_tick_seq > i_min_count * 2, false)
             or coalesce(next_tick_time - i_prev_tick_time > i_min_interval * 2, false);
    if too_much then
        select t.tick_id, t.tick_time, t.tick_event_seq into next_tick_id, next_tick_time, next_tick_seq
          from pgq.tick t
         where t.tick_queue = i_queue_id and t.tick_id > i_prev_tick_id
           and (t.tick_event_seq - i_prev_tick_seq >= i_min_count or t.tick_time - i_prev_tick_time >= i_min_interval)
         order by t.tick_id limit 1;
    end if;
end
$$;
