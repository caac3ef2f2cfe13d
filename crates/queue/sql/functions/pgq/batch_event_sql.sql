-- The statement that gives the events of a batch: those of transactions that the later snapshot sees and the earlier one does
-- not. These are the transactions from the earlier xmax up to the later one, without those that still ran then, and those that
-- ran at the earlier snapshot and had ended by the later one, which are fetched by their ids. No row is tested that an index
-- range can decide, and no table is read that batch_event_tables leaves out.
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
    select s.sub_id, a.tick_snapshot as a, z.tick_snapshot as z,
           q.queue_data_pfx as pfx, q.queue_ntables as n, q.queue_cur_table as cur, o.closed_at
      into b
      from pgq.ostler_batch(x_batch_id) s
      join pgq.queue q on q.queue_id = s.sub_queue
      left join pgq.ostler_queue o on o.oq_queue = s.sub_queue
     -- One by one: a plan that is made while there are few ticks would read all of the queue's.
     cross join lateral (
           select t.tick_snapshot from pgq.tick t
            where t.tick_queue = s.sub_queue and t.tick_id = s.last_tick limit 1) a
     cross join lateral (
           select t.tick_snapshot from pgq.tick t
            where t.tick_queue = s.sub_queue and t.tick_id = s.next_tick limit 1) z;
    if not found then
        raise exception 'batch not found';
    end if;
    owner := ' and (ev_owner is null or ev_owner = ' || b.sub_id || ')';
    -- When the same transactions run at both, none of them ended between, and none of those that began still runs.
    if split_part(b.a::text, ':', 3) <> split_part(b.z::text, ':', 3) then
        select (select string_agg(x::text, ',' order by x) from txid_snapshot_xip(b.z) x where x >= txid_snapshot_xmax(b.a)),
               (select string_agg(x::text, ',' order by x) from txid_snapshot_xip(b.a) x where txid_visible_in_snapshot(x, b.z))
          into unfinished, finished;
    end if;
    new_ones := ' where ev_txid >= ' || txid_snapshot_xmax(b.a) || ' and ev_txid < ' || txid_snapshot_xmax(b.z)
             || coalesce(' and ev_txid <> all (''{' || unfinished || '}''::bigint[])', '') || owner;
    old_ones := ' where ev_txid = any (''{' || finished || '}''::bigint[])' || owner;

    for i in 1 .. b.n loop
        if i = b.n or pgq.ostler_may_hold(b.closed_at[(b.cur + i) % b.n + 1], b.a, b.z) then
            tbl := pgq.quote_fqname(b.pfx || '_' || (b.cur + i) % b.n);
            sql := sql || case sql when '' then '' else ' union all ' end || fields || tbl || new_ones
                || coalesce(' union all ' || fields || tbl || old_ones, '');
        end if;
    end loop;
    return sql || ' order by 1';
end
$$;
