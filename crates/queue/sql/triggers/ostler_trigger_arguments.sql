-- Reads the arguments of a trigger and says what is wrong with them, in the words and the order of PgQ. `expressions`
-- holds when, ev_type, ev_data, ev_extra1 to ev_extra4. Lists and pkey: the last one counts; expressions: the first.
create or replace function pgq.ostler_trigger_arguments(i_arguments text[], i_operation text, out problem text, out queue text, out skip boolean, out backup boolean, out deny boolean, out ignored text, out pkey text, out expressions jsonb)
returns record
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_argument text;
    v_place bigint;
    v_name text;
begin
    skip := false;
    backup := false;
    deny := false;
    expressions := '{}';
    for v_argument, v_place in select * from unnest(i_arguments) with ordinality loop
        if v_place = 1 then
            queue := v_argument;
        elsif v_argument = 'SKIP' then
            skip := true;
        elsif v_argument = 'backup' then
            backup := true;
        elsif v_argument = 'deny' then
            deny := true;
        elsif starts_with(v_argument, 'ignore=') then
            ignored := substr(v_argument, 8);
        elsif starts_with(v_argument, 'pkey=') then
            pkey := substr(v_argument, 6);
        elsif v_argument ~ '^(when|ev_(type|data|extra[1-4]))=' then
            if i_operation = 'TRUNCATE' then
                problem := 'Custom expressions do not make sense for truncater trigger';
                return;
            end if;
            v_name := split_part(v_argument, '=', 1);
            expressions := jsonb_build_object(v_name, substr(v_argument, length(v_name) + 2)) || expressions;
        else
            problem := 'bad param to pgq trigger';
            return;
        end if;
    end loop;
    problem := case
        when queue is null then 'pgq trigger must have destination queue as argument'
        when i_operation <> 'TRUNCATE' then null
        when ignored is not null then 'Column ignore does not make sense for truncate trigger'
        when pkey is not null then 'Custom pkey_list does not make sense for truncate trigger'
        when backup then 'Backup does not make sense for truncate trigger'
    end;
end;
$$;
