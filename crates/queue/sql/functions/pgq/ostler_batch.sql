-- The open batch of this id: one of a subscriber's newest position; no row when there is none. version and segment are for
-- ostler_place_after.
create or replace function pgq.ostler_batch(i_batch_id bigint, out sub_id integer, out sub_queue integer, out sub_consumer integer, out last_tick bigint, out next_tick bigint, out active timestamp with time zone, out version bigint, out segment integer)
returns setof record
language sql
stable
rows 1
as $$
select s.sub_id, s.sub_queue, s.sub_consumer, p.pos_last_tick, p.pos_next_tick, p.pos_active, p.pos_version,
       (select g.segment from pgq.ostler_segment g)
  from pgq.ostler_position p
  join pgq.ostler_subscriber s on s.sub_queue = p.pos_queue and s.sub_consumer = p.pos_consumer
 where p.pos_batch = i_batch_id
   and p.pos_version = (
       select n.pos_version from pgq.ostler_position n
        where n.pos_queue = p.pos_queue and n.pos_consumer = p.pos_consumer
        order by n.pos_version desc limit 1)
$$;
