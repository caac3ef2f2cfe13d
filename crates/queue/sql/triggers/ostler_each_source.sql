-- The body of a generated trigger FOR EACH ROW, and of one for TRUNCATE.
create or replace function pgq.ostler_each_source(i_kind text, i_table oid, i_timing text, i_arguments text[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_source text;
    v_arguments record := pgq.ostler_trigger_arguments(i_arguments, 'INSERT');
    v_insert text;
    v_operation text;
begin
    -- Expressions run with the rights of whoever changes the table; then only insert_event may write.
    v_insert := case when v_arguments.expressions <> '{}' then format('pgq.insert_event(%L, %%s)', v_arguments.queue)
        else format('pgq.ostler_insert_%s(%L, null, null, null, null, %%s)', pgq.ostler_queue_bucket(v_arguments.queue), v_arguments.queue) end;
    v_source := format(
        E'\n-- Generated for table %1$s. Do not edit.\n'
        'declare\n    pgq_verdict text;\n    pgq_event bigint;\nbegin\n'
        '    if pg_catalog.current_setting(''session_replication_role'') operator(pg_catalog.=) ''local'' then\n'
        '        return coalesce(new, old);\n    end if;\n'
        '    if TG_RELID operator(pg_catalog.<>) %2$s\n'
        '        or pgq.ostler_trigger_shape(''%2$s''::pg_catalog.regclass) operator(pg_catalog.<>) %3$L\n    then\n'
        '        perform pgq.ostler_refresh_trigger(TG_RELID, TG_NAME);\n'
        '        return case when pgq.ostler_log_row(%4$L, TG_RELID, TG_WHEN, TG_ARGV, TG_OP, new, old) then null\n'
        '            when TG_OP operator(pg_catalog.=) ''DELETE'' then old else new end;\n    end if;\n',
        replace(i_table::regclass::text, E'\n', ' '), i_table, pgq.ostler_trigger_shape(i_table), i_kind);
    foreach v_operation in array array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] loop
        v_source := v_source || format(E'    if TG_OP operator(pg_catalog.=) %L then\n%s    end if;\n', v_operation,
            pgq.ostler_row_body(i_kind, i_table, i_timing, i_arguments, v_operation, 'new', 'old', v_insert,
                case v_operation when 'DELETE' then 'old' else 'new' end, 'null'));
    end loop;
    return v_source || E'    return null;\nend;\n';
end;
$$;
