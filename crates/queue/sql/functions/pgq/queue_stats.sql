-- What the sequences and ticks of queues tell, without counting rows: events so far, not ticked yet, per second over the last
-- minute or so; how far behind the slowest consumer is; dead letters; why rotation does not go on.
create or replace function pgq.queue_stats(i_queue_name text default null, out queue_name text, out events bigint, out events_unticked bigint, out events_per_second double precision, out last_tick_id bigint, out ticker_lag interval, out consumers bigint, out slowest_consumer text, out slowest_lag interval, out slowest_pending bigint, out dead_letters bigint, out rotation_note text)
returns setof record
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
select q.queue_name, pgq.ostler_seq(q.queue_event_seq), pgq.ostler_seq(q.queue_event_seq) - top.tick_event_seq,
       (top.tick_event_seq - old.tick_event_seq) / nullif(extract(epoch from top.tick_time - old.tick_time)::float8, 0),
       top.tick_id, current_timestamp - top.tick_time, coalesce(c.n, 0), slow.consumer_name, slow.lag, slow.pending_events,
       (select count(*) from pgq.ostler_dead_letter d where d.dl_queue = q.queue_id), o.rotation_note
  from pgq.queue q
  left join pgq.ostler_queue o on o.oq_queue = q.queue_id
  left join lateral (
       select t.* from pgq.tick t where t.tick_queue = q.queue_id order by t.tick_id desc limit 1) top on true
  left join lateral (
       -- Ticks may come every 10 ms: a number of ticks is no time.
       select t.* from pgq.tick t
        where t.tick_queue = q.queue_id and t.tick_id < top.tick_id
          and (t.tick_time <= top.tick_time - interval '1 minute' or t.tick_id = greatest(top.tick_id - 6000, 1))
        order by t.tick_id desc limit 1) far on true
  left join lateral (
       select t.* from pgq.tick t where t.tick_queue = q.queue_id and t.tick_id >= coalesce(far.tick_id, 0)
        order by t.tick_id limit 1) old on true
  left join lateral (
       select count(*) as n from pgq.ostler_subscriber s where s.sub_queue = q.queue_id) c on true
  left join lateral (
       select i.consumer_name, i.lag, i.pending_events from pgq.get_consumer_info(q.queue_name) i
        order by i.lag desc nulls last limit 1) slow on true
 where i_queue_name is null or q.queue_name = i_queue_name
 order by q.queue_name
$$;
