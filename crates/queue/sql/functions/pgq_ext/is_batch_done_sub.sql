-- Whether this batch was the last one that was marked as done.
create or replace function pgq_ext.is_batch_done(a_consumer text, a_subconsumer text, a_batch_id bigint)
returns boolean
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
select exists (
    select from pgq_ext.completed_batch b
     where b.consumer_id = a_consumer and b.subconsumer_id = a_subconsumer and b.last_batch_id = a_batch_id)
$$;
