-- The body of the function that pgq.ostler_generate_row_function makes.
create or replace function pgq.ostler_row_function_source(i_kind text, i_table oid, i_timing text, i_arguments text[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_source text;
begin
    v_source := format(
        E'\n-- Generated for table %s. Do not edit.\n'
        '<<pgq>>\ndeclare\n    pgq_verdict text;\n    pgq_event bigint;\nbegin\n'
        '    if pgq.ostler_trigger_shape(''%s''::pg_catalog.regclass) operator(pg_catalog.<>) %L then\n'
        '        return null;\n    end if;\n',
        replace(i_table::regclass::text, E'\n', ' '), i_table, pgq.ostler_trigger_shape(i_table));
    for i in 1 .. 4 loop
        v_source := v_source || format(E'    %s op operator(pg_catalog.=) %L then\n%s',
            case i when 1 then 'if' else 'elsif' end,
            (array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'])[i],
            pgq.ostler_row_body(i_kind, i_table, i_timing, i_arguments, (array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'])[i],
                'n', 'o', format('pgq.insert_event(%L, %%s)', i_arguments[array_lower(i_arguments, 1)]), 'false', 'true'));
    end loop;
    return v_source || E'    end if;\nend;\n';
end;
$$;
