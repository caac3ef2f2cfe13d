-- The open batch of this id: one of a subscriber's newest position; no row when there is none. version and segment are for
-- ostler_place_after.
create or replace function pgq.ostler_batch(i_batch_id bigint, out sub_id integer, out sub_queue integer, out sub_consumer integer, out last_tick bigint, out next_tick bigint, out active timestamp with time zone, out version bigint, out segment integer)
returns setof record
language sql
stable
rows 1
as $$
-- Nothing counts these rows (autovacuum is off there): without OFFSET and LIMIT the planner, which takes an id for one of many
-- that are alike, would go through all positions of all subscribers, and all ticks of the queue.
select s.sub_id, p.pos_queue, p.pos_consumer, p.pos_last_tick, p.pos_next_tick, p.pos_active, p.pos_version,
       (select g.segment from pgq.ostler_segment g)
  from (select n.pos_queue, n.pos_consumer, n.pos_version, n.pos_last_tick, n.pos_next_tick, n.pos_active
          from pgq.ostler_position n
         where n.pos_batch = i_batch_id
        offset 0) p
 cross join lateral (
       select o.sub_id from pgq.ostler_subscriber o
        where o.sub_queue = p.pos_queue and o.sub_consumer = p.pos_consumer limit 1) s
 where p.pos_version = (
       select n.pos_version from pgq.ostler_position n
        where n.pos_queue = p.pos_queue and n.pos_consumer = p.pos_consumer
        order by n.pos_version desc limit 1)
 limit 1
$$;
