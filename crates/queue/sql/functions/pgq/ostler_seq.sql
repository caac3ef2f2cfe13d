-- The last value that a queue's sequence gave, without a statement that is parsed each time.
create or replace function pgq.ostler_seq(i_seq_name text)
returns bigint
language sql
as $$ select coalesce(pg_sequence_last_value(i_seq_name::regclass), 1) $$;
