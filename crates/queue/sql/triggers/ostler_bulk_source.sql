-- The body of generated triggers FOR EACH STATEMENT over transition tables pgq_new and pgq_old: one INSERT for all rows.
create or replace function pgq.ostler_bulk_source(i_kind text, i_table oid, i_arguments text[])
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_source text;
    v_operation text;
    v_one text;
    e record;
    q record;
begin
    e := pgq.ostler_trigger_arguments(i_arguments, 'INSERT');
    select queue_id, queue_ntables, queue_data_pfx, queue_event_seq into q from pgq.queue where queue_name = e.queue;
    v_source := format(
        E'\n-- Generated for table %1$s. Do not edit.\n'
        'declare\n    v_txid bigint;\n    v_table integer;\n    v_limit integer;\n    v_events bigint;\nbegin\n'
        '    if pg_catalog.current_setting(''session_replication_role'') operator(pg_catalog.=) ''local'' then\n'
        '        return null;\n    end if;\n'
        '    if TG_OP operator(pg_catalog.=) ''DELETE'' then\n        perform from pgq_old limit 1;\n'
        '    else\n        perform from pgq_new limit 1;\n    end if;\n'
        '    if not found then\n        return null;\n    end if;\n'
        '    if TG_RELID operator(pg_catalog.<>) %2$s\n'
        '        or pgq.ostler_trigger_shape(''%2$s''::pg_catalog.regclass) operator(pg_catalog.<>) %3$L\n    then\n'
        '        perform pgq.ostler_refresh_trigger(TG_RELID, TG_NAME);\n'
        '        execute pgq.ostler_bulk_statement(%4$L, TG_RELID, TG_ARGV, TG_OP);\n'
        '        return null;\n    end if;\n',
        replace(i_table::regclass::text, E'\n', ' '), i_table, pgq.ostler_trigger_shape(i_table), i_kind);
    foreach v_operation in array array['INSERT', 'UPDATE', 'DELETE'] loop
        e := pgq.ostler_bulk_rows(i_kind, i_table, i_arguments, v_operation);
        v_source := v_source || format(E'    if TG_OP operator(pg_catalog.=) %L then\n', v_operation);
        if e.problem is not null then
            v_source := v_source || format(E'        raise exception using message = %L, errcode = ''XX000'';\n    end if;\n', e.problem);
            continue;
        end if;
        v_one := format(E'        perform pgq.insert_event(%L, x.f1, x.f2, x.f3, x.f4, x.f5, x.f6) from (\n            %s) x;\n        return null;\n',
            e.queue, e.rows);
        if q.queue_id is not null and not e.has_expressions then
            v_source := v_source || format(
                E'        v_txid := pg_catalog.txid_current();\n'
                '        select q.queue_cur_table, q.queue_per_tx_limit into v_table, v_limit from pgq.queue q\n'
                '         where q.queue_id operator(pg_catalog.=) %s and q.queue_name operator(pg_catalog.=) %L and not q.queue_disable_insert\n'
                -- An older snapshot may believe in a table that was closed since.
                '           and (pg_catalog.current_setting(''transaction_isolation'') operator(pg_catalog.=) ''read committed''\n'
                '                or pgq.ostler_table_now(q.queue_cur_table, q.queue_switch_step1, %L) operator(pg_catalog.=) q.queue_cur_table);\n',
                q.queue_id, e.queue, q.queue_data_pfx);
            for n in 0 .. q.queue_ntables - 1 loop
                v_source := v_source || format(
                    E'        %s v_table operator(pg_catalog.=) %s then\n'
                    '            insert into %s (ev_id, ev_time, ev_txid, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)\n'
                    '            select pg_catalog.nextval(%L::pg_catalog.regclass), pg_catalog.now(), v_txid, x.f1, x.f2, x.f3, x.f4, x.f5, x.f6 from (\n'
                    '            %s) x;\n',
                    case n when 0 then 'if' else 'elsif' end, n, pgq.quote_fqname(q.queue_data_pfx || '_' || n),
                    pgq.quote_fqname(q.queue_event_seq), e.rows);
            end loop;
            v_source := v_source || format(
                E'        end if;\n'
                '        if v_table is not null then\n'
                '            get diagnostics v_events = row_count;\n'
                '            if pg_catalog.pg_sequence_last_value(''pgq.ostler_wakeup_seq''::pg_catalog.regclass) operator(pg_catalog.%%) 2 operator(pg_catalog.=) 1\n'
                '                and v_events operator(pg_catalog.>) 0\n            then\n'
                '                perform pgq.ostler_wake(%s);\n'
                '            end if;\n'
                '            if v_limit is not null then\n'
                '                perform pgq.ostler_count_events(%s, %L, v_limit, v_events);\n'
                '            end if;\n'
                '            return null;\n        end if;\n',
                q.queue_id, q.queue_id, e.queue);
        end if;
        v_source := v_source || v_one || E'    end if;\n';
    end loop;
    return v_source || E'    return null;\nend;\n';
end;
$$;
