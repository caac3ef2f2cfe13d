-- Refuses a change of the primary key, from within an expression. Volatile, lest the planner calls it ahead of time.
create or replace function pgq.ostler_key_changed()
returns text
language plpgsql
as $$
begin
    raise exception 'primary key update not allowed' using errcode = 'XX000';
end;
$$;
