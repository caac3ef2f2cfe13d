-- A guess, made when a plan is made, which event table a queue writes to. It is declared immutable so that it becomes
-- a constant of the plan; rotation truncates one of the tables, which throws the plan away. Whoever inserts by it checks
-- the queue's row in the same statement, so a wrong guess costs time and nothing else.
create or replace function pgq.ostler_current_table(i_queue_id integer, i_tables regclass[])
returns integer
language plpgsql immutable
as $$
begin
    return (select q.queue_cur_table
              from pgq.queue q
             where q.queue_id operator(pg_catalog.=) i_queue_id);
end;
$$;
