-- The same, for a consumer without parts.
create or replace function pgq_ext.get_last_tick(a_consumer text)
returns bigint
language sql
as $$ select pgq_ext.get_last_tick(a_consumer, '') $$;
