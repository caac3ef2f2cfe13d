-- Gives a dead letter back to its consumer, as if it was never tried. Returns 1; 0 when there is none of this id.
create or replace function pgq.dead_letter_retry(i_dl_id bigint)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    d record;
begin
    select l.*, q.queue_name into d from pgq.ostler_dead_letter l join pgq.queue q on q.queue_id = l.dl_queue
     where l.dl_id = i_dl_id for update of l;
    if not found then
        return 0;
    end if;
    perform pgq.event_retry_raw(d.queue_name, d.dl_consumer, current_timestamp, d.ev_id, d.ev_time, 0,
        d.ev_type, d.ev_data, d.ev_extra1, d.ev_extra2, d.ev_extra3, d.ev_extra4);
    delete from pgq.ostler_dead_letter where dl_id = i_dl_id;
    return 1;
end
$$;
