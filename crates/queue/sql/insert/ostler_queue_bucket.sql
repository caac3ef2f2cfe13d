-- Which of the sixteen generated functions pgq.ostler_insert_N inserts into a queue.
create or replace function pgq.ostler_queue_bucket(i_queue text)
returns integer
language sql immutable parallel safe
as $$
    select pg_catalog.hashtext(i_queue) operator(pg_catalog.&) 15
$$;
