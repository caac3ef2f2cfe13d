-- Inserts an event with every field given, for retries and copies. Runs with the rights of its caller. NULL id: the next
-- one; NULL time: now. The sequence of ids moves in any case.
create or replace function pgq.insert_event_raw(queue_name text, ev_id bigint, ev_time timestamp with time zone, ev_owner integer, ev_retry integer, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text)
returns bigint
language plpgsql
as $$
#variable_conflict use_variable
declare
    v_bucket integer := pg_catalog.hashtext(queue_name) operator(pg_catalog.&) 15;
begin
    if v_bucket operator(pg_catalog.<) 8 then
        if v_bucket operator(pg_catalog.<) 4 then
            if v_bucket operator(pg_catalog.<) 2 then
                if v_bucket operator(pg_catalog.<) 1 then
                    return pgq.ostler_insert_0(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_1(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            else
                if v_bucket operator(pg_catalog.<) 3 then
                    return pgq.ostler_insert_2(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_3(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            end if;
        else
            if v_bucket operator(pg_catalog.<) 6 then
                if v_bucket operator(pg_catalog.<) 5 then
                    return pgq.ostler_insert_4(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_5(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            else
                if v_bucket operator(pg_catalog.<) 7 then
                    return pgq.ostler_insert_6(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_7(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            end if;
        end if;
    else
        if v_bucket operator(pg_catalog.<) 12 then
            if v_bucket operator(pg_catalog.<) 10 then
                if v_bucket operator(pg_catalog.<) 9 then
                    return pgq.ostler_insert_8(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_9(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            else
                if v_bucket operator(pg_catalog.<) 11 then
                    return pgq.ostler_insert_10(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_11(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            end if;
        else
            if v_bucket operator(pg_catalog.<) 14 then
                if v_bucket operator(pg_catalog.<) 13 then
                    return pgq.ostler_insert_12(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_13(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            else
                if v_bucket operator(pg_catalog.<) 15 then
                    return pgq.ostler_insert_14(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_15(queue_name, ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            end if;
        end if;
    end if;
end;
$$;
