-- Opens the next batch that is at least so old, so long or so big; or gives the open one again, whatever it is. NULLs: there is
-- nothing yet.
create or replace function pgq.next_batch_custom(i_queue_name text, i_consumer_name text, i_min_lag interval, i_min_count integer, i_min_interval interval, out batch_id bigint, out cur_tick_id bigint, out prev_tick_id bigint, out cur_tick_time timestamp with time zone, out prev_tick_time timestamp with time zone, out cur_tick_event_seq bigint, out prev_tick_event_seq bigint)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    sub record;
    pos record;
begin
    select s.sub_queue, s.sub_consumer into sub
      from pgq.queue q, pgq.consumer c, pgq.ostler_subscriber s
     where q.queue_name = i_queue_name and c.co_name = i_consumer_name
       and s.sub_queue = q.queue_id and s.sub_consumer = c.co_id
       for no key update of s;
    if not found then
        raise exception 'Not subscriber to queue: %/%', coalesce(i_queue_name, 'NULL'), coalesce(i_consumer_name, 'NULL');
    end if;

    -- Only now, when nobody else can move it.
    select p.pos_version, p.pos_last_tick, p.pos_batch, p.pos_next_tick, g.segment,
           a.tick_id as a_id, a.tick_time as a_time, a.tick_event_seq as a_seq,
           z.tick_id as z_id, z.tick_time as z_time, z.tick_event_seq as z_seq
      into pos
      from pgq.ostler_segment g
     cross join lateral (
           select n.pos_version, n.pos_last_tick, n.pos_batch, n.pos_next_tick from pgq.ostler_position n
            where n.pos_queue = sub.sub_queue and n.pos_consumer = sub.sub_consumer
            order by n.pos_version desc limit 1) p
      left join pgq.tick a on a.tick_queue = sub.sub_queue and a.tick_id = p.pos_last_tick
      left join lateral (
           select t.tick_id, t.tick_time, t.tick_event_seq from pgq.tick t
            where t.tick_queue = sub.sub_queue and t.tick_id > p.pos_last_tick
            order by t.tick_id limit 1) z on true;
    if not found then
        raise exception 'the position of % on % is not visible to this transaction', i_consumer_name, i_queue_name
            using errcode = 'serialization_failure';
    end if;
    if pos.a_id is null then
        raise exception 'PgQ corruption: Consumer % on queue % does not see tick %', i_consumer_name, i_queue_name, pos.pos_last_tick;
    end if;
    prev_tick_id := pos.a_id;
    prev_tick_time := pos.a_time;
    prev_tick_event_seq := pos.a_seq;

    if pos.pos_batch is not null then
        batch_id := pos.pos_batch;
        select t.tick_id, t.tick_time, t.tick_event_seq into cur_tick_id, cur_tick_time, cur_tick_event_seq
          from pgq.tick t where t.tick_queue = sub.sub_queue and t.tick_id = pos.pos_next_tick;
        return;
    end if;

    if i_min_interval is null and i_min_count is null then
        cur_tick_id := pos.z_id;
        cur_tick_time := pos.z_time;
        cur_tick_event_seq := pos.z_seq;
    else
        select h.next_tick_id, h.next_tick_time, h.next_tick_seq into cur_tick_id, cur_tick_time, cur_tick_event_seq
          from pgq.find_tick_helper(sub.sub_queue, prev_tick_id, prev_tick_time, prev_tick_event_seq, i_min_count, i_min_interval) h;
    end if;
    if cur_tick_id is null or (i_min_lag is not null and now() - cur_tick_time < i_min_lag) then
        cur_tick_id := null;
        cur_tick_time := null;
        cur_tick_event_seq := null;
        prev_tick_id := null;
        prev_tick_time := null;
        prev_tick_event_seq := null;
        return;
    end if;

    batch_id := nextval('pgq.batch_id_seq');
    if not pgq.ostler_place_after(pos.pos_version, pos.segment, sub.sub_queue, sub.sub_consumer, prev_tick_id, now(), batch_id, cur_tick_id) then
        raise exception 'consumer % of queue % was moved meanwhile', i_consumer_name, i_queue_name
            using errcode = 'serialization_failure';
    end if;
end
$$;
