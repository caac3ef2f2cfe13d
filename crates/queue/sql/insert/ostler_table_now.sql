-- Which event table of a queue takes what this transaction writes now, by its number. i_current and i_step1 are of the queue's
-- row. Where the row is of a snapshot that is older than a switch, the sequence tells what came after it. The transaction must have
-- its id already: readers rely on that nobody writes to a table who got his id after it was closed.
create or replace function pgq.ostler_table_now(i_current integer, i_step1 bigint, i_data_pfx text)
returns integer
language plpgsql
as $$
declare
    v_switch bigint := coalesce(pg_catalog.pg_sequence_last_value(
        pg_catalog.to_regclass(pg_catalog.concat(i_data_pfx, '_switch_seq'))), 0);
begin
    if i_step1 operator(pg_catalog.<) (v_switch operator(pg_catalog.>>) 8) then
        return (v_switch operator(pg_catalog.&) 255)::pg_catalog.int4;
    end if;
    return i_current;
end;
$$;
