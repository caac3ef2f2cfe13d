-- Ends rotations: transactions from now on know the new table. Must be another transaction than step 1. Returns 0.
--
-- Those with an older snapshot know it too, by the queue's sequence. Whoever got its transaction id after the sequence told of the
-- switch does not write to the former table any more: an id from after that closes the table for readers. It is a
-- subtransaction's, because our own may be older than what the sequence tells.
create or replace function pgq.maint_rotate_tables_step2()
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    later bigint;
begin
    for q in
        update pgq.queue set queue_switch_step2 = txid_current() where queue_switch_step2 is null
        returning queue_id, queue_ntables, queue_cur_table, queue_switch_step1, queue_data_pfx
    loop
        -- In one transaction with step 1, which may yet be undone, the table stays open for readers.
        continue when q.queue_switch_step1 >= txid_current();
        perform setval(pgq.quote_fqname(q.queue_data_pfx || '_switch_seq'), q.queue_switch_step1 << 8 | q.queue_cur_table);
        later := pgq.ostler_later_txid(q.queue_id);
        update pgq.ostler_queue
           set closed_at[(q.queue_cur_table + q.queue_ntables - 1) % q.queue_ntables + 1] = later
         where oq_queue = q.queue_id;
    end loop;
    return 0;
end
$$;
