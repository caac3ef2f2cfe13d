-- Removes a queue that has no consumers. Returns 1.
create or replace function pgq.drop_queue(x_queue_name text)
returns integer
language sql
strict
as $$ select pgq.drop_queue(x_queue_name, false) $$;
