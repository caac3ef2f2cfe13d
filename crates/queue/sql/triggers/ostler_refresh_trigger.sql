-- Makes the function of a generated trigger anew because its table has changed. Leaves it if somebody else is at it, or if
-- it is not this table's own (after a restore, which gives tables other numbers; then upgrade makes new ones).
create or replace function pgq.ostler_refresh_trigger(i_table oid, i_trigger text)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    t record;
    v_kind text;
    v_style text;
    v_timing text;
    v_arguments text[];
begin
    select p.proname, g.tgtype, g.tgargs, g.tgnargs into t
      from pg_trigger g join pg_proc p on p.oid = g.tgfoid
     where g.tgrelid = i_table and g.tgname = i_trigger and p.pronamespace = 'pgq'::regnamespace;
    if not found then
        return;
    end if;
    v_kind := split_part(t.proname, '_', 1);
    v_style := split_part(t.proname, '_', 2);
    v_timing := case when t.tgtype::integer & 2 <> 0 then 'BEFORE' else 'AFTER' end;
    v_arguments := pgq.ostler_stored_arguments(t.tgargs, t.tgnargs);
    if t.proname::text = pgq.ostler_trigger_function_name(v_kind, v_style, i_table, v_timing, v_arguments)
        and pg_try_advisory_xact_lock(hashtext('pgq.ostler_generate_trigger'), hashtext(t.proname))
    then
        perform pgq.ostler_generate_trigger(v_kind, v_style, i_table, v_timing, v_arguments);
    end if;
end;
$$;
