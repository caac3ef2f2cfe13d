-- A quoted value of a key column, which sqltriga cannot do without.
create or replace function pgq.ostler_not_null_key(i_quoted text)
returns text
language plpgsql immutable parallel safe
as $$
begin
    if i_quoted is null then
        raise exception 'logtriga: Unexpected NULL key value' using errcode = 'XX000';
    end if;
    return i_quoted;
end;
$$;
