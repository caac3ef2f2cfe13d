-- Registers a consumer at the latest tick. Returns 1 for a new one, 0 when it is there.
create or replace function pgq.register_consumer(x_queue_name text, x_consumer_id text)
returns integer
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$ select pgq.register_consumer_at(x_queue_name, x_consumer_id, null) $$;
