-- The open batch of this id; no row when there is none. version and segment are for ostler_place_after.
create or replace function pgq.ostler_batch(i_batch_id bigint, out sub_id integer, out sub_queue integer, out sub_consumer integer, out last_tick bigint, out next_tick bigint, out active timestamp with time zone, out version bigint, out segment integer)
returns setof record
language sql
stable
rows 1
as $$
select s.sub_id, s.sub_queue, s.sub_consumer, p.pos_last_tick, p.pos_next_tick, p.pos_active, p.pos_version,
       (select g.segment from pgq.ostler_segment g)
  from (select distinct o.pos_queue, o.pos_consumer from pgq.ostler_position o where o.pos_batch = i_batch_id) b
  join pgq.ostler_subscriber s on s.sub_queue = b.pos_queue and s.sub_consumer = b.pos_consumer
 cross join lateral (
       select n.pos_last_tick, n.pos_next_tick, n.pos_active, n.pos_batch, n.pos_version
         from pgq.ostler_position n
        where n.pos_queue = s.sub_queue and n.pos_consumer = s.sub_consumer
        order by n.pos_version desc limit 1) p
 where p.pos_batch = i_batch_id
$$;
