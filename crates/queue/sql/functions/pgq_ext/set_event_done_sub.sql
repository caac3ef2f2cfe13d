-- Marks an event as done. False when it was already. The first event of another batch clears the marks of the one before.
create or replace function pgq_ext.set_event_done(a_consumer text, a_subconsumer text, a_batch_id bigint, a_event_id bigint)
returns boolean
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if pgq_ext.is_event_done(a_consumer, a_subconsumer, a_batch_id, a_event_id) then
        return false;
    end if;
    insert into pgq_ext.partial_batch as p (consumer_id, subconsumer_id, cur_batch_id)
        values (a_consumer, a_subconsumer, a_batch_id)
        on conflict on constraint partial_batch_pkey
        do update set cur_batch_id = excluded.cur_batch_id where p.cur_batch_id <> excluded.cur_batch_id;
    if found then
        delete from pgq_ext.completed_event e
         where e.consumer_id = a_consumer and e.subconsumer_id = a_subconsumer and e.batch_id <> a_batch_id;
    end if;
    insert into pgq_ext.completed_event (consumer_id, subconsumer_id, batch_id, event_id)
        values (a_consumer, a_subconsumer, a_batch_id, a_event_id);
    return true;
end
$$;
