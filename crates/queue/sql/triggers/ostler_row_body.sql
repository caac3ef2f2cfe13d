-- PL/pgSQL that writes the event of one row, for one operation. `i_insert` is the call that takes the fields; assigning its
-- result is twice as fast as PERFORM, which goes through the executor.
create or replace function pgq.ostler_row_body(i_kind text, i_table oid, i_timing text, i_arguments text[], i_operation text, i_new text, i_old text, i_insert text, i_done text, i_skipped text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    e record := pgq.ostler_trigger_event(i_kind, i_table, i_timing, i_arguments, i_operation, i_new, i_old);
    v_body text := '';
    v_insert text;
begin
    if e.problem is not null then
        return format(E'        raise exception using message = %L, errcode = ''XX000'';\n', e.problem);
    end if;
    v_insert := format(E'        pgq_event := %s;\n', format(i_insert, array_to_string(e.fields, E',\n            ')));
    if e.condition is not null then
        v_insert := format(E'        if %s then\n%s        end if;\n', e.condition, v_insert);
    end if;
    if e.verdict is not null then
        v_body := format(
            E'        pgq_verdict := %s;\n'
            '        if pgq_verdict operator(pg_catalog.=) ''E'' then\n'
            '            raise exception using message = ''primary key update not allowed'', errcode = ''XX000'';\n'
            '        end if;\n', e.verdict);
        v_insert := format(E'        if pgq_verdict operator(pg_catalog.=) ''Y'' then\n%s        end if;\n', v_insert);
    end if;
    return v_body || v_insert || format(E'        return %s;\n', case when e.skip then i_skipped else i_done end);
end;
$$;
