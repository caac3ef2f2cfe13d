-- After all of this folder: the trigger that keeps the generated functions in step, and their first version.
do $trigger$
begin
    -- Making it anew would wait for everybody who uses a queue, and they for us.
    if not exists (select from pg_catalog.pg_trigger where tgrelid = 'pgq.queue'::pg_catalog.regclass and tgname = 'ostler_queue_changed') then
        create trigger ostler_queue_changed
            after insert or delete or update of queue_id, queue_name, queue_ntables, queue_data_pfx, queue_event_seq
            on pgq.queue for each row execute function pgq.ostler_queue_row_changed();
    end if;
end
$trigger$;

select pgq.ostler_generate_insert(n) from pg_catalog.generate_series(0, 15) n;
select pgq.ostler_generate_entries();
