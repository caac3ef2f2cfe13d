-- Removes a queue with its tables. With consumers only when forced; they are unregistered then. Returns 1.
create or replace function pgq.drop_queue(x_queue_name text, x_force boolean)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    sub record;
begin
    -- As in pgq.create_queue.
    perform pg_advisory_xact_lock(1885827445);
    select queue_id, queue_ntables, queue_data_pfx, queue_event_seq, queue_tick_seq into q
      from pgq.queue where queue_name = x_queue_name for update;
    if not found then
        raise exception 'No such event queue';
    end if;
    if exists (select from pgq.ostler_subscriber where sub_queue = q.queue_id) then
        if not coalesce(x_force, false) then
            raise exception 'cannot drop queue, consumers still attached';
        end if;
        for sub in
            select c.co_name from pgq.ostler_subscriber s join pgq.consumer c on c.co_id = s.sub_consumer
             where s.sub_queue = q.queue_id order by c.co_name
        loop
            perform pgq.unregister_consumer(x_queue_name, sub.co_name);
        end loop;
    end if;
    for i in 0 .. q.queue_ntables - 1 loop
        execute 'drop table ' || pgq.quote_fqname(q.queue_data_pfx || '_' || i);
    end loop;
    execute 'drop table ' || pgq.quote_fqname(q.queue_data_pfx);
    execute 'drop sequence ' || pgq.quote_fqname(q.queue_event_seq);
    execute 'drop sequence ' || pgq.quote_fqname(q.queue_tick_seq);
    execute 'drop sequence if exists ' || pgq.quote_fqname(q.queue_data_pfx || '_switch_seq');
    delete from pgq.retry_queue where ev_queue = q.queue_id;
    delete from pgq.tick where tick_queue = q.queue_id;
    delete from pgq.queue where queue_id = q.queue_id;
    return 1;
end
$$;
