-- Writes the event of one row when the function for its table is not there or does not fit any more: makes it anew, or,
-- while somebody else is doing that in a transaction of his own, runs its text just for this row.
create or replace function pgq.ostler_log_row(i_kind text, i_table oid, i_timing text, i_arguments text[], i_operation text, i_new record, i_old record)
returns boolean
language plpgsql
as $$
declare
    v_skip boolean;
    e record;
    v_verdict text := 'Y';
    v_condition boolean := true;
begin
    if pgq.ostler_generate_row_function(i_kind, i_table, i_timing, i_arguments) then
        execute pg_catalog.format('select pgq.%I($1, $2, $3)', pgq.ostler_row_function_name(i_kind, i_table, i_timing, i_arguments))
            into v_skip using i_operation, i_new, i_old;
        if v_skip is not null then
            return v_skip;
        end if;
    end if;
    e := pgq.ostler_trigger_event(i_kind, i_table, i_timing, i_arguments, i_operation, '($1)', '($2)');
    if e.problem is not null then
        raise exception using message = e.problem, errcode = 'XX000';
    end if;
    if e.verdict is not null then
        execute pg_catalog.concat('select ', e.verdict) into v_verdict using i_new, i_old;
    end if;
    if v_verdict operator(pg_catalog.=) 'E' then
        raise exception using message = 'primary key update not allowed', errcode = 'XX000';
    end if;
    if v_verdict operator(pg_catalog.=) 'Y' and e.condition is not null then
        execute pg_catalog.concat('select ', e.condition) into v_condition using i_new, i_old;
    end if;
    if v_verdict operator(pg_catalog.=) 'Y' and v_condition then
        execute pg_catalog.format('select pgq.insert_event($3, %s)', pg_catalog.array_to_string(e.fields, ', '))
            using i_new, i_old, e.queue;
    end if;
    return e.skip;
end;
$$;
