-- Makes the view pgq.subscription writable, for clients that know it as a table.
create or replace function pgq.ostler_subscription_write()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    pos pgq.ostler_position;
begin
    if tg_op = 'INSERT' then
        insert into pgq.ostler_subscriber (sub_id, sub_queue, sub_consumer)
            values (new.sub_id, new.sub_queue, new.sub_consumer);
        perform pgq.ostler_place(new.sub_queue, new.sub_consumer, new.sub_last_tick, new.sub_active, new.sub_batch, new.sub_next_tick);
        return new;
    end if;
    perform 1 from pgq.ostler_subscriber s
      where s.sub_queue = old.sub_queue and s.sub_consumer = old.sub_consumer
        for no key update;
    if not found then
        return null;
    end if;
    if tg_op = 'DELETE' then
        delete from pgq.ostler_subscriber s where s.sub_queue = old.sub_queue and s.sub_consumer = old.sub_consumer;
        return old;
    end if;
    if (new.sub_id, new.sub_queue, new.sub_consumer) is distinct from (old.sub_id, old.sub_queue, old.sub_consumer) then
        update pgq.ostler_subscriber s
           set sub_id = new.sub_id, sub_queue = new.sub_queue, sub_consumer = new.sub_consumer
         where s.sub_queue = old.sub_queue and s.sub_consumer = old.sub_consumer;
    end if;
    -- Somebody may have moved it while we waited: keep what this statement does not change.
    select * into pos from pgq.ostler_position p
     where p.pos_queue = old.sub_queue and p.pos_consumer = old.sub_consumer
     order by p.pos_version desc limit 1;
    perform pgq.ostler_place(new.sub_queue, new.sub_consumer,
        case when new.sub_last_tick is distinct from old.sub_last_tick then new.sub_last_tick else pos.pos_last_tick end,
        case when new.sub_active is distinct from old.sub_active then new.sub_active else pos.pos_active end,
        case when new.sub_batch is distinct from old.sub_batch then new.sub_batch else pos.pos_batch end,
        case when new.sub_next_tick is distinct from old.sub_next_tick then new.sub_next_tick else pos.pos_next_tick end);
    return new;
end
$$;
