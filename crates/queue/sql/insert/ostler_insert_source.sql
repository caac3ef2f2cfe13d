-- Static statements that insert into each queue of a bucket, or of all, in the order of ids. i_fresh: for READ COMMITTED, where a
-- statement sees the newest rotation. Otherwise an older snapshot may believe in a table that was closed since; asking for that
-- costs so much that it has statements of its own.
create or replace function pgq.ostler_insert_source(i_bucket integer, i_fresh boolean)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    v_source text := '';
    v_tables text;
begin
    for q in
        select queue_id, queue_name, queue_ntables, queue_data_pfx, queue_event_seq
          from pgq.queue
         where i_bucket is null or pgq.ostler_queue_bucket(queue_name) = i_bucket
         order by queue_id
    loop
        select string_agg(format('%L::pg_catalog.regclass', pgq.quote_fqname(q.queue_data_pfx || '_' || n)), ', ' order by n)
          into v_tables
          from generate_series(0, q.queue_ntables - 1) n;
        v_source := v_source || format(
            E'    if i_queue operator(pg_catalog.=) %L then\n'
            '        v_txid := pg_catalog.txid_current();\n'
            '        v_id := pg_catalog.nextval(%L::pg_catalog.regclass);\n'
            '        if i_id is not null then v_id := i_id; end if;\n',
            q.queue_name, pgq.quote_fqname(q.queue_event_seq));
        for n in 0 .. q.queue_ntables - 1 loop
            v_source := v_source || format(
                E'        %s pgq.ostler_current_table(%s, array[%s]) operator(pg_catalog.=) %s then\n'
                '            insert into %s (ev_id, ev_time, ev_txid, ev_owner, ev_retry, ev_type, ev_data,\n'
                '                    ev_extra1, ev_extra2, ev_extra3, ev_extra4)\n'
                '            select v_id, coalesce(i_time, pg_catalog.now()), v_txid, i_owner, i_retry, i_type, i_data,\n'
                '                    i_extra1, i_extra2, i_extra3, i_extra4\n'
                '              from pgq.queue q\n'
                '             where q.queue_id operator(pg_catalog.=) %2$s and q.queue_name operator(pg_catalog.=) i_queue\n'
                '               and q.queue_cur_table operator(pg_catalog.=) %4$s\n'
                '               and not q.queue_disable_insert and q.queue_per_tx_limit is null%6$s;\n'
                '            if found then\n'
                '                if pg_catalog.pg_sequence_last_value(''pgq.ostler_wakeup_seq''::pg_catalog.regclass) operator(pg_catalog.%%) 2 operator(pg_catalog.=) 1 then\n'
                '                    perform pgq.ostler_wake(%2$s);\n'
                '                end if;\n'
                '                return v_id;\n'
                '            end if;\n',
                case when n = 0 then 'if' else 'elsif' end, q.queue_id, v_tables, n,
                pgq.quote_fqname(q.queue_data_pfx || '_' || n),
                case when not i_fresh then format(
                    E'\n               and pgq.ostler_table_now(%s, q.queue_switch_step1, %L) operator(pg_catalog.=) %1$s', n, q.queue_data_pfx)
                end);
        end loop;
        v_source := v_source || E'        end if;\n'
            '        return pgq.ostler_insert_any(i_queue, v_id, i_time, i_owner, i_retry, i_type, i_data,\n'
            '            i_extra1, i_extra2, i_extra3, i_extra4, true);\n'
            '    end if;\n';
    end loop;
    return v_source;
end;
$$;
