-- The statements that put generated triggers on a table, in order, for the table's owner to run. `i_style` is `each`,
-- `bulk`, or NULL for the faster one that the table and the arguments allow.
create or replace function pgq.ostler_trigger_plan(i_table regclass, i_trigger text, i_kind text, i_arguments text[], i_style text default null)
returns setof text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_arguments record := pgq.ostler_trigger_arguments(i_arguments, 'INSERT');
    v_style text := i_style;
    v_timing text := case when v_arguments.skip then 'BEFORE' else 'AFTER' end;
    v_name text;
    v_list text := (select string_agg(quote_literal(a), ', ' order by n) from unnest(i_arguments) with ordinality x(a, n));
    v_event text;
    v_rows boolean;
begin
    if v_arguments.problem is not null then
        raise exception using message = v_arguments.problem, errcode = 'invalid_parameter_value';
    end if;
    -- Rows of partitions and children have triggers of their own; a statement's trigger would see them as the parent's.
    v_rows := v_arguments.skip
        or (select c.relkind = 'p' or c.relispartition or c.relhassubclass from pg_class c where c.oid = i_table)
        or exists (select from pg_inherits where inhrelid = i_table);
    v_style := coalesce(v_style, case when v_rows then 'each' else 'bulk' end);
    if v_style = 'bulk' and v_rows then
        raise exception 'a trigger over whole statements does not fit table % or these arguments', i_table
            using errcode = 'feature_not_supported', hint = 'Use a trigger for each row.';
    end if;
    v_name := pgq.ostler_trigger_function_name(i_kind, v_style, i_table, v_timing, i_arguments);
    return next format('select pgq.ostler_generate_trigger(%L, %L, %L::regclass, %L, %L)', i_kind, v_style, i_table, v_timing, i_arguments);
    if v_style = 'each' then
        return next format('drop trigger if exists %I on %s', i_trigger, i_table);
        return next format('create trigger %I %s insert or update or delete on %s for each row execute function pgq.%I(%s)',
            i_trigger, lower(v_timing), i_table, v_name, v_list);
        return;
    end if;
    return next format('drop trigger if exists %I on %s', i_trigger, i_table);
    foreach v_event in array array['insert', 'update', 'delete'] loop
        return next format('drop trigger if exists %I on %s', i_trigger || '_' || v_event, i_table);
        return next format('create trigger %I after %s on %s referencing %s for each statement execute function pgq.%I(%s)',
            i_trigger || '_' || v_event, v_event, i_table,
            case v_event when 'insert' then 'new table as pgq_new' when 'delete' then 'old table as pgq_old'
                else 'old table as pgq_old new table as pgq_new' end,
            v_name, v_list);
    end loop;
end;
$$;
