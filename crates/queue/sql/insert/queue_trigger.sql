-- After all of this folder: the trigger that keeps the generated functions in step, and their first version.
drop trigger if exists ostler_queue_changed on pgq.queue;
create trigger ostler_queue_changed
    after insert or delete or update of queue_id, queue_name, queue_ntables, queue_data_pfx, queue_event_seq
    on pgq.queue for each row execute function pgq.ostler_queue_row_changed();

select pgq.ostler_generate_insert(n) from pg_catalog.generate_series(0, 15) n;
select pgq.ostler_generate_entries();
