-- Marks a batch as done. False when it was already. PgQ's numbers begin with 1: any other is not recorded.
create or replace function pgq_ext.set_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if a_batch_id > 0 then
        insert into pgq_ext.completed_batch as b (consumer_id, subconsumer_id, last_batch_id)
            values (a_consumer, a_subconsumer, a_batch_id)
            on conflict on constraint completed_batch_pkey
            do update set last_batch_id = excluded.last_batch_id where b.last_batch_id <> excluded.last_batch_id;
        return found;
    end if;
    return not pgq_ext.is_batch_done(a_consumer, a_subconsumer, a_batch_id);
end
$$;
