-- Called when a queue was made, or what the insert path of it depends on has changed. Generators hang here.
create or replace function pgq.ostler_queue_changed(i_queue_id integer)
returns void
language sql
as $$ select $$;
