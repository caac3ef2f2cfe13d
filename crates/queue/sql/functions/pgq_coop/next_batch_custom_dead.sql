-- Gives a member a batch: its open one again; else that of a member that was silent for longer than the dead interval, which is
-- removed by this; else a new one of the main consumer, for which it is closed at once. A member that is not registered is now.
create or replace function pgq_coop.next_batch_custom(i_queue_name text, i_consumer_name text, i_subconsumer_name text, i_min_lag interval, i_min_count integer, i_min_interval interval, i_dead_interval interval)
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    main record;
    pos record;
    me integer;
    mine record;
    dead record;
    batch record;
begin
    -- The row of the main consumer is the lock of the whole group.
    select s.sub_id, s.sub_queue, s.sub_consumer into main
      from pgq.queue q, pgq.consumer c, pgq.ostler_subscriber s
     where q.queue_name = i_queue_name and c.co_name = i_consumer_name
       and s.sub_queue = q.queue_id and s.sub_consumer = c.co_id
       for no key update of s;
    if not found then
        perform pgq_coop.register_subconsumer(i_queue_name, i_consumer_name, i_subconsumer_name);
        select s.sub_id, s.sub_queue, s.sub_consumer into strict main
          from pgq.queue q, pgq.consumer c, pgq.ostler_subscriber s
         where q.queue_name = i_queue_name and c.co_name = i_consumer_name
           and s.sub_queue = q.queue_id and s.sub_consumer = c.co_id
           for no key update of s;
    end if;
    select p.pos_batch into pos from pgq.ostler_position p
     where p.pos_queue = main.sub_queue and p.pos_consumer = main.sub_consumer order by p.pos_version desc limit 1;
    if pos.pos_batch is not null then
        raise exception 'main consumer has batch open?';
    end if;

    select s.sub_consumer into me
      from pgq.consumer c join pgq.ostler_subscriber s on s.sub_consumer = c.co_id
     where c.co_name = i_consumer_name || '.' || i_subconsumer_name and s.sub_queue = main.sub_queue and s.sub_id = main.sub_id;
    if not found then
        perform pgq_coop.register_subconsumer(i_queue_name, i_consumer_name, i_subconsumer_name);
        select s.sub_consumer into strict me
          from pgq.consumer c join pgq.ostler_subscriber s on s.sub_consumer = c.co_id
         where c.co_name = i_consumer_name || '.' || i_subconsumer_name and s.sub_queue = main.sub_queue;
    end if;

    select p.* into mine from pgq.ostler_position p
     where p.pos_queue = main.sub_queue and p.pos_consumer = me order by p.pos_version desc limit 1;
    if mine.pos_batch is not null then
        perform pgq.ostler_place(main.sub_queue, me, mine.pos_last_tick, now(), mine.pos_batch, mine.pos_next_tick);
        return mine.pos_batch;
    end if;

    if i_dead_interval is not null then
        select s.sub_consumer, p.pos_last_tick, p.pos_next_tick into dead
          from pgq.ostler_subscriber s
         cross join lateral (
               select n.pos_active, n.pos_batch, n.pos_last_tick, n.pos_next_tick from pgq.ostler_position n
                where n.pos_queue = s.sub_queue and n.pos_consumer = s.sub_consumer order by n.pos_version desc limit 1) p
         where s.sub_queue = main.sub_queue and s.sub_id = main.sub_id
           and s.sub_consumer <> main.sub_consumer and s.sub_consumer <> me
           and p.pos_batch is not null and p.pos_active < now() - i_dead_interval
         order by p.pos_active
         limit 1
           for update of s;
        if found then
            -- Its events come again, under a new id: a batch that it finishes late is unknown then.
            delete from pgq.ostler_subscriber s where s.sub_queue = main.sub_queue and s.sub_consumer = dead.sub_consumer;
            perform pgq.ostler_forget_consumer(dead.sub_consumer);
            select nextval('pgq.batch_id_seq') as batch_id into batch;
            perform pgq.ostler_place(main.sub_queue, me, dead.pos_last_tick, now(), batch.batch_id, dead.pos_next_tick);
            return batch.batch_id;
        end if;
    end if;

    select n.batch_id, n.prev_tick_id, n.cur_tick_id into batch
      from pgq.next_batch_custom(i_queue_name, i_consumer_name, i_min_lag, i_min_count, i_min_interval) n;
    if batch.batch_id is null then
        return null;
    end if;
    perform pgq.finish_batch(batch.batch_id);
    perform pgq.ostler_place(main.sub_queue, me, batch.prev_tick_id, now(), batch.batch_id, batch.cur_tick_id);
    return batch.batch_id;
end
$$;
