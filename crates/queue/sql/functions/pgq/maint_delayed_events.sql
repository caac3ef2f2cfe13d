-- Puts at most a thousand delayed events whose time has come into their queues. Returns how many; call it again until 0.
create or replace function pgq.maint_delayed_events()
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    ev record;
    done integer := 0;
begin
    for ev in
        delete from pgq.ostler_delayed d
         using pgq.queue q
         where q.queue_id = d.de_queue and (d.de_queue, d.ev_id) in (
               select n.de_queue, n.ev_id from pgq.ostler_delayed n join pgq.queue o on o.queue_id = n.de_queue
                where n.de_after <= current_timestamp and not o.queue_disable_insert
                order by n.de_after
                limit 1000
                  for update of n skip locked)
        returning d.*, q.queue_name
    loop
        perform pgq.insert_event_raw(ev.queue_name, ev.ev_id, ev.ev_time, null, null,
            ev.ev_type, ev.ev_data, ev.ev_extra1, ev.ev_extra2, ev.ev_extra3, ev.ev_extra4);
        done := done + 1;
    end loop;
    return done;
end
$$;
