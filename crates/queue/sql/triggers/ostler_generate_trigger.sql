-- Makes, or makes anew, a trigger function for one table, and returns its name. It is for `create trigger`, with the same
-- arguments as pgq.logutriga() takes.
create or replace function pgq.ostler_generate_trigger(i_kind text, i_style text, i_table oid, i_timing text, i_arguments text[])
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_arguments text[] := array(select unnest(i_arguments));
    v_name text := pgq.ostler_trigger_function_name(i_kind, i_style, i_table, i_timing, v_arguments);
    v_parsed record := pgq.ostler_trigger_arguments(v_arguments, 'INSERT');
begin
    if i_kind not in ('logutriga', 'jsontriga', 'sqltriga') or i_style not in ('each', 'bulk') then
        raise exception 'no triggers of kind % %', i_kind, i_style;
    elsif v_parsed.problem is not null then
        raise exception using message = v_parsed.problem, errcode = 'XX000';
    end if;
    -- Without expressions of the table's owner there is nothing in it but our own text: it may write as the schema's owner.
    execute format('create or replace function pgq.%I() returns trigger language plpgsql %s as %L', v_name,
        case when v_parsed.expressions = '{}' then 'security definer' else '' end,
        case i_style when 'each' then pgq.ostler_each_source(i_kind, i_table, i_timing, v_arguments)
            else pgq.ostler_bulk_source(i_kind, i_table, v_arguments) end);
    execute format('grant execute on function pgq.%I() to public', v_name);
    return v_name;
end;
$$;
