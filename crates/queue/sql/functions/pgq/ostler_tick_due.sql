-- Whether a queue's next tick is due: by the number of events or their age when there are new ones, and ever more rarely, up to
-- the idle period, when there are none. The sequence tells whether there are new ones, committed or not.
--
-- Our ticker has a lag of its own, in the setting pgq.wakeup_lag. It also looks for events that were not yet committed at the last
-- tick: nothing else would tell of them before the next idle tick.
create or replace function pgq.ostler_tick_due(i_queue_id integer)
returns boolean
language plpgsql
as $$
declare
    q pgq.queue;
    last record;
    before timestamptz;
    age interval;
    seq bigint;
    fresh boolean := false;
    lag interval := nullif(current_setting('pgq.wakeup_lag', true), '')::interval;
begin
    select * into q from pgq.queue where queue_id = i_queue_id;
    select t.tick_id, t.tick_time, t.tick_snapshot, t.tick_event_seq into last from pgq.tick t
     where t.tick_queue = i_queue_id order by t.tick_id desc limit 1;
    if not found then
        return true;
    end if;
    age := now() - last.tick_time;
    if lag is not null and exists (select from pgq.ostler_queue o where o.oq_queue = i_queue_id and not o.wakeup) then
        lag := null;
    end if;
    seq := coalesce(pg_sequence_last_value(q.queue_event_seq::regclass), 0);
    if seq = 1 and last.tick_event_seq = 1 then
        -- A sequence says 1 before and after its first value: only here the event itself must be looked for.
        execute 'select ' || pgq.ostler_unseen_sql(pgq.quote_fqname(q.queue_data_pfx)) into fresh using last.tick_snapshot;
    end if;
    if seq > last.tick_event_seq or fresh then
        return seq - last.tick_event_seq >= q.queue_ticker_max_count or age >= least(q.queue_ticker_max_lag, lag);
    end if;
    if age >= lag then
        execute 'select ' || pgq.ostler_unseen_sql(pgq.quote_fqname(q.queue_data_pfx || '_' || q.queue_cur_table))
           into fresh using last.tick_snapshot;
        if fresh then
            return true;
        end if;
    end if;
    select t.tick_time into before from pgq.tick t
     where t.tick_queue = i_queue_id and t.tick_id < last.tick_id order by t.tick_id desc limit 1;
    if not found then
        return true;
    end if;
    return age >= q.queue_ticker_max_lag / 2
       and (age >= 2 * (last.tick_time - before) or age >= q.queue_ticker_idle_period);
end
$$;
