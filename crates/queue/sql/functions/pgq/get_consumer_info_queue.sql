-- All consumers of a queue, or of all for NULL.
create or replace function pgq.get_consumer_info(i_queue_name text, out queue_name text, out consumer_name text, out lag interval, out last_seen interval, out last_tick bigint, out current_batch bigint, out next_tick bigint, out pending_events bigint)
returns setof record
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$ select * from pgq.get_consumer_info(i_queue_name, null) $$;
