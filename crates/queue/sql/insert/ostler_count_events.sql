-- Counts events of one transaction against queue_per_tx_limit. The count lives in a setting that ends with the transaction.
create or replace function pgq.ostler_count_events(i_queue_id integer, i_queue text, i_limit integer, i_events bigint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_setting text := 'pgq.events_of_queue_' || i_queue_id;
    v_count bigint := coalesce(nullif(current_setting(v_setting, true), ''), '0')::bigint + i_events;
begin
    if i_limit < 0 then
        return;
    end if;
    if v_count > i_limit then
        raise exception 'Queue ''%'' allows max % events from one TX', i_queue, i_limit using errcode = 'XX000';
    end if;
    perform set_config(v_setting, v_count::text, true);
end;
$$;
