-- Makes a database whose queues came from another server's dump usable: transaction ids of this server begin elsewhere, so the
-- stored snapshots mean nothing here. What a consumer has read and what it has not, and open batches, stay as they were; other
-- ticks from before go. Returns how many queues it changed.
create or replace function pgq.restored()
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    mark record;
    n bigint;
    done integer := 0;
begin
    for q in
        select o.* from pgq.queue o
         where exists (select from pgq.tick t where t.tick_queue = o.queue_id
                        and txid_snapshot_xmax(t.tick_snapshot) > txid_snapshot_xmax(txid_current_snapshot()))
         for no key update
    loop
        execute 'lock table ' || pgq.quote_fqname(q.queue_data_pfx) || ' in exclusive mode';
        -- Positions that somebody stands at, in order; between two of them all events get one transaction id of their own. Ids
        -- below 3 are never of a transaction, and a fresh server is beyond 500, so there is room.
        n := 2;
        for mark in
            select t.tick_id, t.tick_snapshot from pgq.tick t
             where t.tick_queue = q.queue_id
               and (t.tick_id in (select s.sub_last_tick from pgq.subscription s where s.sub_queue = q.queue_id
                                  union select s.sub_next_tick from pgq.subscription s where s.sub_queue = q.queue_id)
                    or t.tick_id = (select max(k.tick_id) from pgq.tick k where k.tick_queue = q.queue_id))
             order by t.tick_id
        loop
            n := n + 1;
            if n >= txid_current() then
                raise exception 'more positions in queue % than this server has had transactions', q.queue_name;
            end if;
            -- Those of an earlier round have smaller ids already; what was inserted here, after the restore, is of its transaction.
            execute 'update ' || pgq.quote_fqname(q.queue_data_pfx) || ' set ev_txid = $1 where ev_txid > $1'
                 || ' and ev_txid & 4294967295 <> xmin::text::bigint and txid_visible_in_snapshot(ev_txid, $2)'
              using n, mark.tick_snapshot;
            update pgq.tick t set tick_snapshot = ((n + 1) || ':' || (n + 1) || ':')::txid_snapshot
             where t.tick_queue = q.queue_id and t.tick_id = mark.tick_id;
        end loop;
        n := n + 1;
        execute 'update ' || pgq.quote_fqname(q.queue_data_pfx) || ' set ev_txid = $1 where ev_txid > $1'
             || ' and ev_txid & 4294967295 <> xmin::text::bigint'
          using n;
        delete from pgq.tick t
         where t.tick_queue = q.queue_id
           and txid_snapshot_xmax(t.tick_snapshot) > n;
        update pgq.queue o set queue_switch_step1 = txid_current(), queue_switch_step2 = txid_current(), queue_switch_time = now()
         where o.queue_id = q.queue_id;
        update pgq.ostler_queue o set closed_at = null where o.oq_queue = q.queue_id;
        perform setval((q.queue_data_pfx || '_switch_seq')::regclass, txid_current() << 8 | q.queue_cur_table);
        done := done + 1;
    end loop;
    return done;
end
$$;
