-- Moves the event sequence so far that the ticker ticks when it next looks. Returns the current last tick, to wait for a later
-- one; NULL for an unknown queue. A queue that does not tick by itself is left alone. Whoever waits for the tick need not wait for
-- the end of the ticker's sleep.
create or replace function pgq.force_tick(i_queue_name text)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    last bigint;
begin
    select queue_id, queue_event_seq, queue_ticker_max_count, queue_external_ticker or queue_ticker_paused as idle into q
      from pgq.queue where queue_name = i_queue_name;
    if not found then
        return null;
    end if;
    if not q.idle then
        perform setval(q.queue_event_seq::regclass, nextval(q.queue_event_seq::regclass) + q.queue_ticker_max_count * 2 + 1000);
        perform pgq.ostler_wake(q.queue_id);
    end if;
    select t.tick_id into last from pgq.tick t where t.tick_queue = q.queue_id order by t.tick_id desc limit 1;
    return last;
end
$$;
