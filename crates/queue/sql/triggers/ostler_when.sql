-- The value of a trigger's when=, which has to be true or false. The overloads catch expressions of other
-- types. Volatile, lest the planner calls it ahead of time.
create or replace function pgq.ostler_when(i_value boolean)
returns boolean
language plpgsql
as $$
begin
    if i_value is null then
        raise exception 'when= should not be NULL' using errcode = 'XX000';
    end if;
    return i_value;
end;
$$;
