-- A quoted value of a key column, which sqltriga cannot do without. Volatile, lest the planner calls it ahead of time.
create or replace function pgq.ostler_not_null_key(i_quoted text)
returns text
language plpgsql
as $$
begin
    if i_quoted is null then
        raise exception 'logtriga: Unexpected NULL key value' using errcode = 'XX000';
    end if;
    return i_quoted;
end;
$$;
