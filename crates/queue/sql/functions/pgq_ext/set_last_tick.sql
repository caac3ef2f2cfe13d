-- The same, for a consumer without parts.
create or replace function pgq_ext.set_last_tick(a_consumer text, a_tick_id bigint)
returns integer
language sql
as $$ select pgq_ext.set_last_tick(a_consumer, '', a_tick_id) $$;
