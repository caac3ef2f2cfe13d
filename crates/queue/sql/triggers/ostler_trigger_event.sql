-- The event of one operation on a table, as SQL over the rows `i_new` and `i_old`, or the problem that every such
-- operation has. `verdict` is Y for an event, N for none, E for a change of the primary key; NULL means always Y.
create or replace function pgq.ostler_trigger_event(i_kind text, i_table oid, i_timing text, i_arguments text[], i_operation text, i_new text, i_old text, out problem text, out queue text, out skip boolean, out fields text[], out verdict text, out condition text, out has_expressions boolean)
returns record
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_arguments record;
    v_schema text;
    v_name text;
    v_key_names text[];
    v_pkey text;
    v_row text := case i_operation when 'DELETE' then i_old else i_new end;
    v_column record;
    v_value text;
    v_old text;
    v_changed text;
    v_is_key boolean;
    v_magic boolean;
    v_parts text[] := '{}';
    v_backup text[] := '{}';
    v_names text[] := '{}';
    v_sets text[] := '{}';
    v_keys text[] := '{}';
    v_first_key text;
    v_key_changes text[] := '{}';
    v_plain_changes text[] := '{}';
    v_ignored_changes text[] := '{}';
    v_cases text := '';
    v_magic_fields jsonb := '{}';
    v_fields text[] := array['ev_type', 'ev_data', 'ev_extra1', 'ev_extra2', 'ev_extra3', 'ev_extra4'];
    v_letter text := case i_operation when 'TRUNCATE' then 'R' else left(i_operation, 1) end;
begin
    v_arguments := pgq.ostler_trigger_arguments(i_arguments, i_operation);
    problem := v_arguments.problem;
    queue := v_arguments.queue;
    skip := v_arguments.skip;
    has_expressions := v_arguments.expressions <> '{}';
    if problem is not null then
        return;
    end if;
    select n.nspname, c.relname into v_schema, v_name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = i_table;
    select coalesce(array_agg(a.attname::text order by k.position), '{}') into v_key_names
      from pg_index i, unnest(i.indkey::smallint[]) with ordinality as k(number, position), pg_attribute a
     where i.indrelid = i_table and i.indisprimary and k.position <= i.indnkeyatts
       and a.attrelid = i_table and a.attnum = k.number;
    v_pkey := coalesce(v_arguments.pkey, array_to_string(v_key_names, ','));
    problem := case
        when v_letter in ('U', 'D') and v_pkey = '' then 'Update/Delete on table without pkey'
        when skip and i_timing = 'AFTER' then 'SKIP does not work in AFTER trigger.'
        when v_arguments.deny then format('Table ''%s.%s'' to queue ''%s'': change not allowed (%s)',
            v_schema, v_name, queue, i_operation)
    end;
    if problem is not null then
        return;
    end if;

    for v_column in
        select attname::text as name, atttypid as type from pg_attribute
         where attrelid = i_table and attnum > 0 and not attisdropped and i_operation <> 'TRUNCATE' order by attnum
    loop
        v_value := pgq.ostler_field_sql(v_row, v_column.name);
        v_old := pgq.ostler_field_sql(i_old, v_column.name);
        v_changed := pgq.ostler_changed_sql(v_old, v_value, v_column.type);
        v_magic := starts_with(v_column.name, '_pgq_ev_');
        v_is_key := not v_magic and pgq.ostler_list_has(v_pkey, v_column.name);
        if v_magic then
            if substr(v_column.name, 6) <> all (v_fields) then
                problem := 'Unknown magic column: ' || v_column.name;
                return;
            end if;
            v_magic_fields := v_magic_fields || jsonb_build_object(substr(v_column.name, 6), pgq.ostler_output_sql(v_value, v_column.type));
        end if;
        if v_is_key then
            v_keys := v_keys || format('pg_catalog.concat(%L, pgq.ostler_not_null_key(pg_catalog.quote_literal(%s)))',
                quote_ident(v_column.name) || '=', pgq.ostler_output_sql(v_old, v_column.type));
            v_first_key := coalesce(v_first_key, v_keys[1]);
            v_key_changes := v_key_changes || v_changed;
            v_cases := v_cases || format(E' when %s then ''E''', v_changed);
        elsif v_magic or pgq.ostler_list_has(v_arguments.ignored, v_column.name) then
            v_ignored_changes := v_ignored_changes || v_changed;
        else
            v_plain_changes := v_plain_changes || v_changed;
            v_cases := v_cases || format(E' when %s then ''Y''', v_changed);
        end if;
        continue when v_magic or pgq.ostler_list_has(v_arguments.ignored, v_column.name);
        v_names := v_names || quote_ident(v_column.name);
        if v_arguments.backup and i_operation = 'UPDATE' then
            v_backup := v_backup || case i_kind
                when 'jsontriga' then format('pg_catalog.concat(%L, %s)', to_json(v_column.name)::text || ':', pgq.ostler_json_sql(v_old, v_column.type))
                else pgq.ostler_urlencoded_sql(v_column.name, v_old, v_column.type) end;
        end if;
        if i_kind = 'logutriga' then
            v_parts := v_parts || pgq.ostler_urlencoded_sql(v_column.name, v_value, v_column.type);
        elsif i_kind = 'jsontriga' then
            v_parts := v_parts || format('pg_catalog.concat(%L, %s)', to_json(v_column.name)::text || ':', pgq.ostler_json_sql(v_value, v_column.type));
        else
            v_parts := v_parts || format('coalesce(pg_catalog.quote_literal(%s), ''null'')', pgq.ostler_output_sql(v_value, v_column.type));
            continue when v_is_key;
            v_sets := v_sets || format('case when %s then pg_catalog.concat(%L, coalesce(pg_catalog.quote_literal(%s), ''NULL'')) end',
                v_changed, quote_ident(v_column.name) || '=', pgq.ostler_output_sql(v_value, v_column.type));
        end if;
    end loop;

    -- The fields, in the order of v_fields.
    fields := array_fill('null::pg_catalog.text'::text, array[6]);
    fields[3] := quote_literal(concat(v_schema, '.', v_name));
    if i_kind = 'jsontriga' then
        fields[1] := quote_literal(format('{"op":"%s","table":[%s,%s],"pkey":[%s]}', i_operation,
            to_json(v_schema), to_json(v_name),
            (select string_agg(to_json(key)::text, ',' order by n)
               from unnest(case when v_arguments.pkey is null then v_key_names when v_arguments.pkey = '' then array['']
                    else string_to_array(v_arguments.pkey, ',') end) with ordinality as x(key, n))));
        fields[2] := format('pg_catalog.concat(''{'', %s, ''}'')', pgq.ostler_joined_sql(',', v_parts));
        if v_arguments.backup and i_operation = 'UPDATE' then
            fields[4] := format('pg_catalog.concat(''{'', %s, ''}'')', pgq.ostler_joined_sql(',', v_backup));
        end if;
    else
        fields[1] := quote_literal(case when i_kind = 'logutriga' and v_letter <> 'R' then v_letter || ':' || v_pkey else v_letter end);
        if v_arguments.backup and i_operation = 'UPDATE' then
            fields[4] := pgq.ostler_joined_sql('&', v_backup);
        end if;
        fields[2] := case
            when i_operation = 'TRUNCATE' then ''''''
            when i_kind = 'logutriga' then pgq.ostler_joined_sql('&', v_parts)
            when i_operation = 'INSERT' then format('pg_catalog.concat(%L, %s, '')'')',
                '(' || array_to_string(v_names, ',') || ') values (', pgq.ostler_joined_sql(',', v_parts))
            when i_operation = 'DELETE' then pgq.ostler_joined_sql(' and ', v_keys)
            else format('pg_catalog.concat(case when %s then %s else %s end, '' where '', %s)',
                coalesce(nullif(array_to_string(v_plain_changes, ' or '), ''), 'false'),
                pgq.ostler_joined_sql(',', v_sets), coalesce(v_first_key, 'pgq.ostler_not_null_key(null)'), pgq.ostler_joined_sql(' and ', v_keys))
        end;
    end if;
    if i_operation = 'UPDATE' and (cardinality(v_key_changes) > 0 or cardinality(v_ignored_changes) > 0) then
        -- logutriga and jsontriga look at the key alone unless there are columns to ignore, and with those only as far
        -- as the first change that makes an event.
        verdict := case
            when i_kind = 'sqltriga' or v_arguments.ignored is null then coalesce(
                ' when ' || nullif(array_to_string(v_key_changes, ' or '), '') || ' then ''E''', '')
            else v_cases
        end;
        if cardinality(v_ignored_changes) > 0 and (i_kind = 'sqltriga' or v_arguments.ignored is not null) then
            verdict := verdict
                || case when i_kind = 'sqltriga' and cardinality(v_plain_changes) > 0
                    then ' when ' || array_to_string(v_plain_changes, ' or ') || ' then ''Y''' else '' end
                || ' when ' || array_to_string(v_ignored_changes, ' or ') || ' then ''N''';
        end if;
        verdict := 'case' || nullif(verdict, '') || ' else ''Y'' end';
    end if;
    for n in 1 .. 6 loop
        if v_arguments.expressions ? v_fields[n] then
            -- One evaluation, output function, NULL stays NULL.
            fields[n] := format('pg_catalog.substring(pg_catalog.concat_ws('','', ''x'', %s), ''^x,(.*)$'')',
                pgq.ostler_expression_sql(v_arguments.expressions ->> v_fields[n], i_table, v_row));
        elsif v_magic_fields ? v_fields[n] then
            fields[n] := v_magic_fields ->> v_fields[n];
        else
            continue;
        end if;
        if n = 2 and i_kind = 'sqltriga' and i_operation in ('UPDATE', 'DELETE') then
            -- What is replaced is still looked at: a key that is NULL is refused.
            fields[n] := format('case when %s is not null then %s end', pgq.ostler_joined_sql(',', v_keys), fields[n]);
        end if;
    end loop;
    if v_arguments.expressions ? 'when' then
        condition := format('pgq.ostler_when(%s)', pgq.ostler_expression_sql(v_arguments.expressions ->> 'when', i_table, v_row));
    end if;
end;
$$;
