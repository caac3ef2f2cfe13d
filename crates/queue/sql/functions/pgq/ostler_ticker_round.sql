-- One round of our ticker: ticks what is due, where new events are due after i_lag already, tells consumers by NOTIFY, and moves
-- events whose time has come. i_sleep says that the ticker goes to sleep unless this finds work: from here on producers wake it.
-- Gives how many queues ticked, what failed, and how long until the next event's time comes: nothing, when more have come than
-- one round moves. What cannot be moved now is looked at again when something else is. And whether a queue's producers wake nobody.
create or replace function pgq.ostler_ticker_round(i_lag interval, i_sleep boolean, out ticked integer, out failed text[], out wait interval, out silent boolean)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    id bigint;
    at_once constant integer := 1000;
    delayed integer;
    retried integer := 0;
    n integer;
begin
    ticked := 0;
    failed := '{}';
    silent := false;
    perform set_config('pgq.wakeup_lag', i_lag::text, true);
    -- Before the sequences of events are read: a producer reads them the other way round, so one of us sees the other.
    if coalesce(pg_sequence_last_value('pgq.ostler_wakeup_seq'::regclass), 0) % 2 <> i_sleep::integer then
        perform nextval('pgq.ostler_wakeup_seq');
    end if;
    if pgq.ostler_next_time('-infinity') <= now() then
        begin
            delayed := pgq.maint_delayed_events();
            loop
                n := pgq.maint_retry_events();
                retried := retried + n;
                exit when n = 0 or retried >= at_once;
            end loop;
            if delayed >= at_once or retried >= at_once then
                wait := interval '0';
            end if;
        exception when others then
            failed := failed || ('events whose time has come: ' || sqlerrm);
        end;
    end if;
    for q in
        select n.queue_name, coalesce(o.wakeup, true) as wakeup
          from pgq.queue n left join pgq.ostler_queue o on o.oq_queue = n.queue_id
         where not n.queue_external_ticker and not n.queue_ticker_paused
         order by n.queue_name
    loop
        silent := silent or not q.wakeup;
        begin
            id := pgq.ticker(q.queue_name);
            if id is not null then
                ticked := ticked + 1;
                if q.wakeup then
                    -- As long as an identifier can be, which is what consumers listen to.
                    perform pg_notify(('pgq.tick.' || q.queue_name)::name::text, id::text);
                end if;
            end if;
        exception when others then
            failed := failed || (q.queue_name || ': ' || sqlerrm);
        end;
    end loop;
    if wait is null then
        wait := pgq.ostler_next_time(now()) - clock_timestamp();
        if wait < interval '0' then
            wait := interval '0';
        end if;
    end if;
end
$$;
