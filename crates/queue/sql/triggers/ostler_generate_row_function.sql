-- Makes the function behind pgq.logutriga() and its siblings for one table: (operation, new row, old row), true if the
-- operation is to be skipped, NULL if the table has changed since. It runs with the rights of whoever changes the table,
-- as the expressions in the arguments have to.
--
-- False when somebody else is making it just now; the caller then does without rather than wait for a transaction that
-- may be long.
create or replace function pgq.ostler_generate_row_function(i_kind text, i_table oid, i_timing text, i_arguments text[])
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_name text := pgq.ostler_row_function_name(i_kind, i_table, i_timing, i_arguments);
begin
    -- Only what some trigger on that table asks for, so that nobody fills the schema.
    if not exists (
        select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
         where t.tgrelid = i_table and p.pronamespace = 'pgq'::regnamespace and starts_with(p.proname, i_kind)
           and t.tgnargs = coalesce(cardinality(i_arguments), 0))
        or i_kind not in ('logutriga', 'jsontriga', 'sqltriga')
    then
        raise exception 'table % has no such trigger', i_table::regclass;
    end if;
    if not pg_try_advisory_xact_lock(hashtext('pgq.ostler_generate_row_function'), hashtext(v_name)) then
        return false;
    end if;
    execute format('create or replace function pgq.%I(op text, n record, o record) returns boolean language plpgsql as %L',
        v_name, pgq.ostler_row_function_source(i_kind, i_table, i_timing, i_arguments));
    execute format('grant execute on function pgq.%I(text, record, record) to public', v_name);
    return true;
end;
$$;
