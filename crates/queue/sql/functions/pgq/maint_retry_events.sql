-- Gives at most ten events whose time has come back to the consumers that put them aside. Returns how many; call it again until 0.
-- Events of a queue that takes none now stay, and do not stop those of other queues.
create or replace function pgq.maint_retry_events()
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    ev record;
    moved integer;
    done integer := 0;
begin
    for q in
        select queue_id, queue_name from pgq.queue
         where (not queue_disable_insert or current_setting('session_replication_role') = 'replica')
           and exists (select from pgq.retry_queue d where d.ev_queue = queue_id and d.ev_retry_after <= current_timestamp)
         order by queue_id
    loop
        begin
            moved := 0;
            for ev in
                delete from pgq.retry_queue r
                 where (r.ev_owner, r.ev_id) in (
                       select d.ev_owner, d.ev_id from pgq.retry_queue d
                        where d.ev_queue = q.queue_id and d.ev_retry_after <= current_timestamp
                        order by d.ev_retry_after
                        limit 10 - done
                          for update skip locked)
                returning r.*
            loop
                perform pgq.insert_event_raw(q.queue_name, ev.ev_id, ev.ev_time, ev.ev_owner, ev.ev_retry,
                    ev.ev_type, ev.ev_data, ev.ev_extra1, ev.ev_extra2, ev.ev_extra3, ev.ev_extra4);
                moved := moved + 1;
            end loop;
            done := done + moved;
        exception when others then
            raise warning 'events to be tried again in queue %: %', q.queue_name, sqlerrm;
        end;
        exit when done >= 10;
    end loop;
    return done;
end
$$;
