-- As insert_event(3), with the extra fields.
create or replace function pgq.insert_event(queue_name text, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text)
returns bigint
language plpgsql security definer
as $$
#variable_conflict use_variable
declare
    v_bucket integer := pg_catalog.hashtext(queue_name) operator(pg_catalog.&) 15;
begin
    if v_bucket operator(pg_catalog.<) 8 then
        if v_bucket operator(pg_catalog.<) 4 then
            if v_bucket operator(pg_catalog.<) 2 then
                if v_bucket operator(pg_catalog.<) 1 then
                    return pgq.ostler_insert_0(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_1(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            else
                if v_bucket operator(pg_catalog.<) 3 then
                    return pgq.ostler_insert_2(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_3(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            end if;
        else
            if v_bucket operator(pg_catalog.<) 6 then
                if v_bucket operator(pg_catalog.<) 5 then
                    return pgq.ostler_insert_4(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_5(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            else
                if v_bucket operator(pg_catalog.<) 7 then
                    return pgq.ostler_insert_6(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_7(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            end if;
        end if;
    else
        if v_bucket operator(pg_catalog.<) 12 then
            if v_bucket operator(pg_catalog.<) 10 then
                if v_bucket operator(pg_catalog.<) 9 then
                    return pgq.ostler_insert_8(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_9(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            else
                if v_bucket operator(pg_catalog.<) 11 then
                    return pgq.ostler_insert_10(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_11(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            end if;
        else
            if v_bucket operator(pg_catalog.<) 14 then
                if v_bucket operator(pg_catalog.<) 13 then
                    return pgq.ostler_insert_12(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_13(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            else
                if v_bucket operator(pg_catalog.<) 15 then
                    return pgq.ostler_insert_14(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                else
                    return pgq.ostler_insert_15(queue_name, null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4);
                end if;
            end if;
        end if;
    end if;
end;
$$;
