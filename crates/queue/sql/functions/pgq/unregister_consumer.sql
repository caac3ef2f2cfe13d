-- Removes a consumer from a queue, with its events to be tried again. Returns how many subscriptions went: the main consumer of
-- cooperative ones takes its members along, a member goes alone.
create or replace function pgq.unregister_consumer(x_queue_name text, x_consumer_name text)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    me record;
    other record;
    gone integer := 0;
begin
    select s.sub_id, s.sub_queue, s.sub_consumer into me
      from pgq.queue q, pgq.consumer c, pgq.ostler_subscriber s
     where q.queue_name = x_queue_name and c.co_name = x_consumer_name
       and s.sub_queue = q.queue_id and s.sub_consumer = c.co_id
       for update of s;
    if not found then
        return 0;
    end if;

    -- A member shares the id of its main consumer, and is named after it.
    if not exists (
        select from pgq.ostler_subscriber s join pgq.consumer c on c.co_id = s.sub_consumer
         where s.sub_queue = me.sub_queue and s.sub_id = me.sub_id and s.sub_consumer <> me.sub_consumer
           and starts_with(x_consumer_name, c.co_name || '.'))
    then
        for other in
            delete from pgq.ostler_subscriber s
             where s.sub_queue = me.sub_queue and s.sub_id = me.sub_id and s.sub_consumer <> me.sub_consumer
            returning s.sub_consumer
        loop
            gone := gone + 1;
            perform pgq.ostler_forget_consumer(other.sub_consumer);
        end loop;
        delete from pgq.retry_queue where ev_owner = me.sub_id;
    end if;
    delete from pgq.ostler_subscriber s where s.sub_queue = me.sub_queue and s.sub_consumer = me.sub_consumer;
    perform pgq.ostler_forget_consumer(me.sub_consumer);
    return gone + 1;
end
$$;
