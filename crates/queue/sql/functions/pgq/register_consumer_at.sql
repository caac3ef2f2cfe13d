-- Registers a consumer at a tick, NULL for the latest one. One that is there is moved, and its open batch is discarded.
-- Returns 1 for a new one, 0 when it was there.
create or replace function pgq.register_consumer_at(x_queue_name text, x_consumer_name text, x_tick_pos bigint)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q_id integer;
    co integer;
    pos bigint;
begin
    select queue_id into q_id from pgq.queue where queue_name = x_queue_name;
    if not found then
        raise exception 'Event queue not created yet';
    end if;
    select co_id into co from pgq.consumer where co_name = x_consumer_name for key share;
    if not found then
        insert into pgq.consumer (co_name) values (x_consumer_name)
            on conflict on constraint consumer_name_uq do nothing
            returning co_id into co;
        if not found then
            select co_id into strict co from pgq.consumer where co_name = x_consumer_name for key share;
        end if;
    end if;

    perform 1 from pgq.ostler_subscriber where sub_queue = q_id and sub_consumer = co for no key update;
    if found then
        if x_tick_pos is not null then
            perform 1 from pgq.tick where tick_queue = q_id and tick_id = x_tick_pos;
            if not found then
                raise exception 'cannot reposition, tick not found: %', x_tick_pos;
            end if;
            perform pgq.ostler_place(q_id, co, x_tick_pos, now(), null, null);
        end if;
        return 0;
    end if;

    if x_tick_pos is null then
        select tick_id into pos from pgq.tick where tick_queue = q_id order by tick_id desc limit 1;
        if not found then
            raise exception 'No ticks for this queue.  Please run ticker on database.';
        end if;
    else
        select tick_id into pos from pgq.tick where tick_queue = q_id and tick_id = x_tick_pos;
        if not found then
            raise exception 'cannot reposition, tick not found: %', x_tick_pos;
        end if;
    end if;
    insert into pgq.ostler_subscriber (sub_queue, sub_consumer) values (q_id, co) on conflict do nothing;
    if not found then
        return 0;
    end if;
    perform pgq.ostler_place(q_id, co, pos, now(), null, null);
    return 1;
end
$$;
