-- Makes an event a dead letter of a consumer: of the main one for a member, which may be gone when it is given back. Returns 1, or
-- 0 when it is one already.
create or replace function pgq.ostler_bury(i_owner integer, i_queue integer, i_event pgq.event_template, i_reason text)
returns integer
language plpgsql
as $$
begin
    insert into pgq.ostler_dead_letter (dl_queue, dl_consumer, dl_owner, dl_reason, ev_id, ev_time, ev_retry,
                                        ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
        select i_queue, c.co_name, i_owner, i_reason, i_event.ev_id, i_event.ev_time, i_event.ev_retry,
               i_event.ev_type, i_event.ev_data, i_event.ev_extra1, i_event.ev_extra2, i_event.ev_extra3, i_event.ev_extra4
          from pgq.ostler_subscriber s join pgq.consumer c on c.co_id = s.sub_consumer
         where s.sub_queue = i_queue and s.sub_id = i_owner
         -- A member's name is the main consumer's with something after it.
         order by length(c.co_name)
         limit 1
        on conflict (dl_queue, dl_consumer, ev_id) do nothing;
    if not found then
        return 0;
    end if;
    return 1;
end
$$;
