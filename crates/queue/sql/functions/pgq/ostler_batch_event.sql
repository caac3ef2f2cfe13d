-- One event of a batch; no row when it is not in it.
create or replace function pgq.ostler_batch_event(i_batch_id bigint, i_event_id bigint)
returns setof pgq.event_template
language plpgsql
rows 1
as $$
begin
    return query execute
        'select ev_id, ev_time, ev_txid, null::integer, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from ('
        || pgq.batch_event_sql(i_batch_id) || ') e where ev_id = $1 limit 1' using i_event_id;
end
$$;
