-- The slow way to insert an event, for what the static statements leave out: queues that are disabled or limited, a
-- rotation just now, snapshots that are older than a rotation, and queues that pgq.ostler_insert_N does not know. Builds its statement each time.
create or replace function pgq.ostler_insert_any(i_queue text, i_id bigint, i_time timestamp with time zone, i_owner integer, i_retry integer, i_type text, i_data text, i_extra1 text, i_extra2 text, i_extra3 text, i_extra4 text, i_counted boolean)
returns bigint
language plpgsql
as $$
declare
    q record;
    v_id bigint;
    v_txid bigint;
begin
    if i_queue is null then
        raise exception 'Queue name must not be NULL' using errcode = 'XX000';
    end if;
    -- The transaction id first, the table second: a rotation that this statement does not see yet ends after it.
    v_txid := pg_catalog.txid_current();
    -- The sequence moves even for a given id: this is how the ticker notices. i_counted: it did so already.
    select queue.queue_id, queue.queue_data_pfx, queue.queue_cur_table, queue.queue_disable_insert,
           queue.queue_switch_step1, queue.queue_per_tx_limit, case when not i_counted then pg_catalog.nextval(queue.queue_event_seq::pg_catalog.regclass) end as next_id
      into q
      from pgq.queue
     where queue.queue_name operator(pg_catalog.=) i_queue;
    if not found then
        raise exception 'No such queue' using errcode = 'XX000';
    end if;
    if q.queue_disable_insert
        and pg_catalog.current_setting('session_replication_role') operator(pg_catalog.<>) 'replica'
    then
        raise exception 'Insert into queue disallowed' using errcode = 'XX000';
    end if;
    if q.queue_per_tx_limit is not null then
        perform pgq.ostler_count_events(q.queue_id, i_queue, q.queue_per_tx_limit, 1);
    end if;
    v_id := coalesce(i_id, q.next_id);
    execute pg_catalog.format(
        'insert into %s (ev_id, ev_time, ev_txid, ev_owner, ev_retry, ev_type, ev_data, '
        'ev_extra1, ev_extra2, ev_extra3, ev_extra4) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
        pgq.quote_fqname(pg_catalog.concat(q.queue_data_pfx, '_',
            pgq.ostler_table_now(q.queue_cur_table, q.queue_switch_step1, q.queue_data_pfx))))
        using v_id, coalesce(i_time, pg_catalog.now()), v_txid, i_owner, i_retry, i_type, i_data,
              i_extra1, i_extra2, i_extra3, i_extra4;
    perform pgq.ostler_wake(q.queue_id);
    return v_id;
end;
$$;
