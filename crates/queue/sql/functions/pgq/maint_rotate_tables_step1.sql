-- Empties a queue's oldest event table and makes it the current one, when the rotation period is over and nobody needs what is
-- in it. Otherwise nothing happens, and why is in ostler_queue.rotation_note. Returns 0.
--
-- Nobody needs the oldest table when the last snapshot of the slowest consumer sees all that is committed there, and no open
-- transaction wrote to it: that one would hold a lock. So a long transaction stops rotation only if it used that very table.
-- Readers of batches leave it out, unless a batch is as old as the table.
create or replace function pgq.maint_rotate_tables_step1(i_queue_name text)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '300ms'
as $$
declare
    q pgq.queue;
    oldest integer;
    tbl text;
    slowest record;
    needed boolean;
    old_switch timestamptz;
begin
    -- Not FOR UPDATE: every transaction that ticked or put an event aside holds the row's key, and may stay open for long.
    select * into q from pgq.queue where queue_name = i_queue_name for no key update skip locked;
    if not found or q.queue_rotation_period is null or q.queue_switch_step2 is null
       or q.queue_switch_time + q.queue_rotation_period >= current_timestamp then
        return 0;
    end if;
    insert into pgq.ostler_queue (oq_queue) values (q.queue_id) on conflict do nothing;
    oldest := (q.queue_cur_table + 1) % q.queue_ntables;
    tbl := pgq.quote_fqname(q.queue_data_pfx || '_' || oldest);

    begin
        execute 'lock table ' || tbl || ' in access exclusive mode';
    exception when lock_not_available then
        perform pgq.ostler_note_rotation(q.queue_id, tbl || ' is in use by a transaction');
        return 0;
    end;

    select t.tick_id, t.tick_snapshot, c.co_name into slowest
      from pgq.ostler_subscriber s
      join pgq.consumer c on c.co_id = s.sub_consumer
     cross join lateral (
           select n.pos_last_tick from pgq.ostler_position n
            where n.pos_queue = s.sub_queue and n.pos_consumer = s.sub_consumer
            order by n.pos_version desc limit 1) p
      join pgq.tick t on t.tick_queue = s.sub_queue and t.tick_id = p.pos_last_tick
     where s.sub_queue = q.queue_id
     order by t.tick_id
     limit 1;
    if found then
        execute 'select ' || pgq.ostler_unseen_sql(tbl) into needed using slowest.tick_snapshot;
        if needed then
            perform pgq.ostler_note_rotation(q.queue_id, 'consumer ' || slowest.co_name || ' has not read ' || tbl || ' to its end');
            return 0;
        end if;
    end if;

    -- Ticks from before the last switch, and ticks after which something in this table was still to come, are of no more use.
    execute 'delete from pgq.tick t where t.tick_queue = $1 and t.tick_id < $2 and (t.tick_time < $3 or '
         || replace(pgq.ostler_unseen_sql(tbl), '$1', 't.tick_snapshot') || ')'
      using q.queue_id,
            coalesce(slowest.tick_id, (select max(t.tick_id) from pgq.tick t where t.tick_queue = q.queue_id)),
            coalesce((select o.prev_time from pgq.ostler_queue o where o.oq_queue = q.queue_id), q.queue_switch_time);

    execute 'truncate only ' || tbl;
    update pgq.ostler_queue
       set prev_time = q.queue_switch_time, rotation_note = null, closed_at[oldest + 1] = null
     where oq_queue = q.queue_id;
    update pgq.queue
       set queue_cur_table = oldest, queue_switch_time = current_timestamp,
           queue_switch_step1 = txid_current(), queue_switch_step2 = null
     where queue_id = q.queue_id;
    return 0;
end
$$;
