-- Trigger on pgq.queue: keeps insert_event and pgq.ostler_insert_N in step with the queues there are, whoever changes the table.
create or replace function pgq.ostler_queue_row_changed()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if TG_OP <> 'INSERT' then
        perform pgq.ostler_generate_insert(pgq.ostler_queue_bucket(old.queue_name));
    end if;
    if TG_OP = 'INSERT' or (TG_OP = 'UPDATE' and pgq.ostler_queue_bucket(new.queue_name) <> pgq.ostler_queue_bucket(old.queue_name)) then
        perform pgq.ostler_generate_insert(pgq.ostler_queue_bucket(new.queue_name));
    end if;
    perform pgq.ostler_generate_entries();
    return null;
end;
$$;
