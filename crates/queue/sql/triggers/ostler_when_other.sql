-- A when= of any other type. See ostler_when(boolean).
create or replace function pgq.ostler_when(i_value anyelement)
returns boolean
language plpgsql
as $$
begin
    raise exception 'when= query result must be boolean, got=%', pg_catalog.pg_typeof(i_value)::oid using errcode = 'XX000';
end;
$$;
