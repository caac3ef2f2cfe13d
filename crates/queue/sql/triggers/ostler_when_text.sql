-- A when= that is text. See ostler_when(boolean).
create or replace function pgq.ostler_when(i_value text)
returns boolean
language plpgsql
as $$
begin
    raise exception 'when= query result must be boolean, got=%', 'pg_catalog.text'::regtype::oid using errcode = 'XX000';
end;
$$;
