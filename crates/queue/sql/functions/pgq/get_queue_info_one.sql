-- One queue, or all for NULL: settings, and what ticks tell of its traffic. No row for an unknown one. The rate is that of the
-- last 20 intervals between ticks.
create or replace function pgq.get_queue_info(i_queue_name text, out queue_name text, out queue_ntables integer, out queue_cur_table integer, out queue_rotation_period interval, out queue_switch_time timestamp with time zone, out queue_external_ticker boolean, out queue_ticker_paused boolean, out queue_ticker_max_count integer, out queue_ticker_max_lag interval, out queue_ticker_idle_period interval, out ticker_lag interval, out ev_per_sec double precision, out ev_new bigint, out last_tick_id bigint)
returns setof record
language sql
as $$
select q.queue_name, q.queue_ntables, q.queue_cur_table, q.queue_rotation_period, q.queue_switch_time,
       q.queue_external_ticker, q.queue_ticker_paused, q.queue_ticker_max_count, q.queue_ticker_max_lag, q.queue_ticker_idle_period,
       current_timestamp - top.tick_time,
       case when top.tick_time > old.tick_time
            then (top.tick_event_seq - old.tick_event_seq)::float8 / extract(epoch from top.tick_time - old.tick_time)::float8
            end,
       pgq.seq_getval(q.queue_event_seq) - top.tick_event_seq,
       top.tick_id
  from pgq.queue q
  left join lateral (
       select t.tick_id, t.tick_time, t.tick_event_seq from pgq.tick t
        where t.tick_queue = q.queue_id order by t.tick_id desc limit 1) top on true
  left join lateral (
       select min(r.tick_time) as tick_time, min(r.tick_event_seq) as tick_event_seq
         from (select t.tick_time, t.tick_event_seq from pgq.tick t
                where t.tick_queue = q.queue_id order by t.tick_id desc limit 21) r) old on true
 where i_queue_name is null or q.queue_name = i_queue_name
 order by q.queue_name
$$;
