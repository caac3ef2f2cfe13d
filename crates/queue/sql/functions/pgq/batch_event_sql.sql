-- The statement that gives the events of a batch: those of transactions that the later snapshot sees and the earlier one does
-- not. These are the transactions from the earlier xmax up to the later one, without those that still ran then, and those that
-- ran at the earlier snapshot and had ended by the later one, which are fetched by their ids. No row is tested that an index
-- range can decide.
create or replace function pgq.batch_event_sql(x_batch_id bigint)
returns text
language plpgsql
as $$
declare
    b record;
    tbl text;
    fields constant text := 'select ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from ';
    new_ones text;
    old_ones text;
    owner text;
    unfinished text;
    finished text;
    sql text := '';
begin
    select s.sub_id, a.tick_snapshot as a, z.tick_snapshot as z into b
      from pgq.ostler_batch(x_batch_id) s
      join pgq.tick a on a.tick_queue = s.sub_queue and a.tick_id = s.last_tick
      join pgq.tick z on z.tick_queue = s.sub_queue and z.tick_id = s.next_tick;
    if not found then
        raise exception 'batch not found';
    end if;
    owner := ' and (ev_owner is null or ev_owner = ' || b.sub_id || ')';
    select string_agg(x::text, ',' order by x) into unfinished
      from txid_snapshot_xip(b.z) x where x >= txid_snapshot_xmax(b.a);
    new_ones := ' where ev_txid >= ' || txid_snapshot_xmax(b.a) || ' and ev_txid < ' || txid_snapshot_xmax(b.z)
             || coalesce(' and ev_txid <> all (''{' || unfinished || '}''::bigint[])', '') || owner;
    select string_agg(x::text, ',' order by x) into finished
      from txid_snapshot_xip(b.a) x where txid_visible_in_snapshot(x, b.z);
    old_ones := ' where ev_txid = any (''{' || finished || '}''::bigint[])' || owner;

    for tbl in select t from pgq.batch_event_tables(x_batch_id) t loop
        tbl := pgq.quote_fqname(tbl);
        sql := sql || case sql when '' then '' else ' union all ' end || fields || tbl || new_ones
            || coalesce(' union all ' || fields || tbl || old_ones, '');
    end loop;
    if sql = '' then
        return fields || 'pgq.event_template where false';
    end if;
    return sql || ' order by 1';
end
$$;
