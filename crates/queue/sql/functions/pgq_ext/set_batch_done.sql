-- The same, for a consumer without parts.
create or replace function pgq_ext.set_batch_done(a_consumer text, a_batch_id bigint)
returns boolean
language sql
as $$ select pgq_ext.set_batch_done(a_consumer, '', a_batch_id) $$;
