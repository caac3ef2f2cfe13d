-- The tick that was recorded last; NULL when none was.
create or replace function pgq_ext.get_last_tick(a_consumer text, a_subconsumer text)
returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
select t.last_tick_id from pgq_ext.completed_tick t where t.consumer_id = a_consumer and t.subconsumer_id = a_subconsumer
$$;
