-- Ticks a queue when it is due. Returns the tick's id, or NULL.
--
-- Ids of ticks must have the order of their snapshots: a tick with a later id and an older snapshot makes consumers see events
-- twice. So the id and the snapshot are taken by one statement, that begins after a lock was got; the lock is of the session, and
-- given back at once, so that a ticker whose transaction stays open does not stop the others.
create or replace function pgq.ticker(i_queue_name text)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Any number will do, as long as nobody else's two-part advisory locks use it.
    lock_class constant integer := 1885827444;
    q record;
    last record;
    id bigint;
    locked boolean := false;
begin
    select queue_id, queue_tick_seq, queue_external_ticker, queue_ticker_paused into q
      from pgq.queue where queue_name = i_queue_name;
    if not found then
        raise exception 'no such queue';
    end if;
    if q.queue_external_ticker then
        raise exception 'This queue has external tick source.';
    end if;
    if q.queue_ticker_paused then
        raise exception 'Ticker has been paused for this queue';
    end if;
    if not pgq.ostler_tick_due(q.queue_id) then
        return null;
    end if;

    begin
        perform pg_advisory_lock(lock_class, q.queue_id);
        locked := true;
        -- Somebody may have ticked while we waited.
        if pgq.ostler_tick_due(q.queue_id) then
            select t.tick_id, t.tick_snapshot into last from pgq.tick t
             where t.tick_queue = q.queue_id order by t.tick_id desc limit 1;
            if found and txid_snapshot_xmin(last.tick_snapshot) > txid_current() then
                raise exception 'Invalid PgQ state: old xmin=%, old xmax=%, cur txid=%',
                    txid_snapshot_xmin(last.tick_snapshot), txid_snapshot_xmax(last.tick_snapshot), txid_current()
                    using hint = 'After a restore into another server, run: select pgq.restored()';
            end if;
            -- Under REPEATABLE READ the snapshot is older than the lock, and may be older than a tick that it does not see.
            if current_setting('transaction_isolation') = 'read committed'
               or coalesce(last.tick_id, 0) >= coalesce(pg_sequence_last_value(q.queue_tick_seq::regclass), 0)
            then
                insert into pgq.tick (tick_queue, tick_id, tick_snapshot, tick_event_seq)
                    select queue_id, nextval(queue_tick_seq::regclass), pgq.ostler_tick_snapshot(), pgq.ostler_seq(queue_event_seq)
                      from pgq.queue where queue_id = q.queue_id
                    returning tick_id into id;
            end if;
        end if;
        perform pg_advisory_unlock(lock_class, q.queue_id);
    exception when others or query_canceled or assert_failure then
        if locked then
            perform pg_advisory_unlock(lock_class, q.queue_id);
        end if;
        raise;
    end;
    return id;
end
$$;
