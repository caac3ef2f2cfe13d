-- Dead letters of a queue, or of one of its consumers, oldest first.
create or replace function pgq.dead_letters(i_queue_name text, i_consumer_name text default null, i_limit integer default 100)
returns table (dl_id bigint, dl_time timestamp with time zone, consumer_name text, reason text, ev_id bigint, ev_time timestamp with time zone, ev_retry integer, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text)
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
select d.dl_id, d.dl_time, d.dl_consumer, d.dl_reason, d.ev_id, d.ev_time, d.ev_retry, d.ev_type, d.ev_data,
       d.ev_extra1, d.ev_extra2, d.ev_extra3, d.ev_extra4
  from pgq.ostler_dead_letter d join pgq.queue q on q.queue_id = d.dl_queue
 where q.queue_name = i_queue_name and (i_consumer_name is null or d.dl_consumer = i_consumer_name)
 order by d.dl_id limit i_limit
$$;
