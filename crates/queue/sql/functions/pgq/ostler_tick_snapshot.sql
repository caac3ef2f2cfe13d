-- The snapshot of a tick. The server's own counts the transaction that takes it as ended once a later one has ended; a tick by
-- another transaction at that time does not, and events of this one would be in two batches. Here it is running until it ended.
create or replace function pgq.ostler_tick_snapshot()
returns txid_snapshot
language sql
as $$
select case when me.id >= txid_snapshot_xmax(s.now) then s.now
            else (least(me.id, txid_snapshot_xmin(s.now)) || ':' || txid_snapshot_xmax(s.now) || ':'
                  || (select string_agg(x.id::text, ',' order by x.id)
                        from (select me.id union select r from txid_snapshot_xip(s.now) r) x))::txid_snapshot end
  from (select txid_current() as id offset 0) me, (select txid_current_snapshot() as now offset 0) s
$$;
