-- Registers a member, and its main consumer when that is not there. Returns 1 for a new one, 0 when it is there.
create or replace function pgq_coop.register_subconsumer(i_queue_name text, i_consumer_name text, i_subconsumer_name text)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    main record;
    co integer;
begin
    perform pgq.register_consumer(i_queue_name, i_consumer_name);
    select s.sub_id, s.sub_queue into strict main
      from pgq.queue q, pgq.consumer c, pgq.ostler_subscriber s
     where q.queue_name = i_queue_name and c.co_name = i_consumer_name
       and s.sub_queue = q.queue_id and s.sub_consumer = c.co_id
       for no key update of s;

    insert into pgq.consumer (co_name) values (i_consumer_name || '.' || i_subconsumer_name)
        on conflict on constraint consumer_name_uq do nothing;
    select c.co_id into strict co from pgq.consumer c where c.co_name = i_consumer_name || '.' || i_subconsumer_name for key share;
    if exists (select from pgq.ostler_subscriber s where s.sub_queue = main.sub_queue and s.sub_consumer = co) then
        return 0;
    end if;
    insert into pgq.ostler_subscriber (sub_id, sub_queue, sub_consumer) values (main.sub_id, main.sub_queue, co);
    perform pgq.ostler_place(main.sub_queue, co, null, now(), null, null);
    return 1;
end
$$;
