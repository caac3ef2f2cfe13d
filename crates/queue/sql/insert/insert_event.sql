create or replace function pgq.insert_event(queue_name text, ev_type text, ev_data text)
returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$ select pgq.insert_event_raw(queue_name, null, now(), null, null, ev_type, ev_data, null, null, null, null) $$;
