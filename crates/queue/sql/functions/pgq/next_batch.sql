-- Opens the next batch, or gives the open one again. NULL: there is nothing yet.
create or replace function pgq.next_batch(i_queue_name text, i_consumer_name text)
returns bigint
language sql
as $$ select batch_id from pgq.next_batch_custom(i_queue_name, i_consumer_name, null, null, null) $$;
