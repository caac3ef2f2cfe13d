-- The statements that put TRUNCATE of a table and of its partitions into the queue, or take such triggers away, for the table's owner
-- to run. Of the arguments only `deny` counts: a TRUNCATE has no rows.
create or replace function pgq.ostler_truncate_plan(i_table regclass, i_trigger text, i_kind text, i_arguments text[], i_wanted boolean)
returns setof text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_arguments text[] := i_arguments[1:1] || case when 'deny' = any (i_arguments[2:]) then array['deny'] else '{}' end;
    v_list text := (select string_agg(quote_literal(a), ', ' order by n) from unnest(v_arguments) with ordinality x(a, n));
    v_place regclass;
begin
    for v_place in
        with recursive places (id) as (
            select i_table::oid
            union
            select i.inhrelid from places p join pg_inherits i on i.inhparent = p.id join pg_class c on c.oid = i.inhrelid
             where c.relispartition and c.relkind in ('r', 'p')
        )
        select id from places order by id
    loop
        return next format('drop trigger if exists %I on %s', i_trigger || '_truncate', v_place);
        if i_wanted then
            return next format('select pgq.ostler_generate_trigger(%L, ''each'', %L::regclass, ''AFTER'', %L)', i_kind, v_place, v_arguments);
            return next format('create trigger %I after truncate on %s for each statement execute function pgq.%I(%s)',
                i_trigger || '_truncate', v_place,
                pgq.ostler_trigger_function_name(i_kind, 'each', v_place, 'AFTER', v_arguments), v_list);
        end if;
    end loop;
end;
$$;
