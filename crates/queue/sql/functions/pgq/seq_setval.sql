-- Moves a sequence forward, never back. Gives the value it has afterwards.
create or replace function pgq.seq_setval(i_seq_name text, i_new_value bigint)
returns bigint
language plpgsql
strict
as $$
declare
    res bigint := pgq.seq_getval(i_seq_name);
begin
    if res < i_new_value then
        perform setval(pgq.quote_fqname(i_seq_name), i_new_value);
        return i_new_value;
    end if;
    return res;
end
$$;
