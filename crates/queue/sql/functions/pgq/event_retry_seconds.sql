-- Puts an event of an open batch aside for so many seconds. Returns 1, or 0 when it is put aside already.
create or replace function pgq.event_retry(x_batch_id bigint, x_event_id bigint, x_retry_seconds integer)
returns integer
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$ select pgq.event_retry(x_batch_id, x_event_id, current_timestamp + x_retry_seconds * interval '1 second') $$;
