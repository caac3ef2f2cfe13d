-- Removes a member. Returns 1, or 0 when there is none. With an open batch: an error for handling 0; 1 drops the batch, whose
-- events are lost then.
create or replace function pgq_coop.unregister_subconsumer(i_queue_name text, i_consumer_name text, i_subconsumer_name text, i_batch_handling integer)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    sub record;
    open_batch bigint;
begin
    select s.sub_queue, s.sub_consumer into sub
      from pgq.queue q, pgq.consumer c, pgq.ostler_subscriber s
     where q.queue_name = i_queue_name and c.co_name = i_consumer_name || '.' || i_subconsumer_name
       and s.sub_queue = q.queue_id and s.sub_consumer = c.co_id
       for update of s;
    if not found then
        return 0;
    end if;
    select p.pos_batch into open_batch from pgq.ostler_position p
     where p.pos_queue = sub.sub_queue and p.pos_consumer = sub.sub_consumer order by p.pos_version desc limit 1;
    if open_batch is not null then
        if i_batch_handling = 0 then
            raise exception 'subconsumer has active batch';
        elsif i_batch_handling is distinct from 1 then
            raise exception 'unknown batch handling';
        end if;
    end if;
    delete from pgq.ostler_subscriber s where s.sub_queue = sub.sub_queue and s.sub_consumer = sub.sub_consumer;
    perform pgq.ostler_forget_consumer(sub.sub_consumer);
    return 1;
end
$$;
