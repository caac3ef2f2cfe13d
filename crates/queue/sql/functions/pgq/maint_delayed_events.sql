-- Puts at most a thousand delayed events of each queue whose time has come into it. Returns how many; call it again until 0. A
-- queue that fails is reported and does not stop the others.
create or replace function pgq.maint_delayed_events()
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
        select o.queue_id, o.queue_name from pgq.queue o
         where not o.queue_disable_insert
           and exists (select from pgq.ostler_delayed d where d.de_queue = o.queue_id and d.de_after <= current_timestamp)
         order by o.queue_id
    loop
        begin
            moved := 0;
            for ev in
                delete from pgq.ostler_delayed d
                 where (d.de_queue, d.ev_id) in (
                       select n.de_queue, n.ev_id from pgq.ostler_delayed n
                        where n.de_queue = q.queue_id and n.de_after <= current_timestamp
                        order by n.de_after
                        limit 1000
                          for update skip locked)
                returning d.*
            loop
                perform pgq.insert_event_raw(q.queue_name, ev.ev_id, ev.ev_time, null, null,
                    ev.ev_type, ev.ev_data, ev.ev_extra1, ev.ev_extra2, ev.ev_extra3, ev.ev_extra4);
                moved := moved + 1;
            end loop;
            done := done + moved;
        exception when others then
            raise warning 'delayed events of queue %: %', q.queue_name, sqlerrm;
        end;
    end loop;
    return done;
end
$$;
