-- Trigger on pgq.queue: keeps pgq._insert_N in step with the queues there are, whoever changes the table.
create or replace function pgq._queue_changed()
returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if TG_OP <> 'INSERT' then
        perform pgq._generate_insert(pgq._queue_bucket(old.queue_name));
    end if;
    if TG_OP = 'INSERT' or (TG_OP = 'UPDATE' and pgq._queue_bucket(new.queue_name) <> pgq._queue_bucket(old.queue_name)) then
        perform pgq._generate_insert(pgq._queue_bucket(new.queue_name));
    end if;
    return null;
end;
$$;
