-- SQL of a trigger's expression over one row: each word that is a column's name becomes that column of `i_row`. Strings,
-- comments, numbers and names with dots stay as they are; a quoted name that is a column's is the column too.
create or replace function pgq.ostler_expression_sql(i_expression text, i_table oid, i_row text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $body$
declare
    v_rest text := i_expression;
    v_result text := '';
    v_token text;
    v_name text;
begin
    while v_rest <> '' loop
        v_token := coalesce(
            substring(v_rest from '^(?:\s+|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)'),
            substring(v_rest from '^[Ee]''(?:[^''\\]|''''|\\.)*'''),
            substring(v_rest from '^''(?:[^'']|'''')*'''),
            substring(v_rest from '^\$(?:[A-Za-z_][A-Za-z_0-9]*)?\$'),
            substring(v_rest from '^[A-Za-z_\u0080-\uffff](?:[A-Za-z_0-9.\u0080-\uffff]|"(?:[^"]|"")*")*'),
            substring(v_rest from '^"(?:[^"]|"")*"(?:\.(?:[A-Za-z_][A-Za-z_0-9]*|"(?:[^"]|"")*"))*'),
            substring(v_rest from '^(?:[0-9]|\.[0-9])(?:[0-9.]|[eE][0-9.+-])*'),
            left(v_rest, 1));
        if v_token ~ '^\$.*\$$' then
            -- A string in dollars ends with the same mark.
            v_name := substr(v_rest, length(v_token) + 1);
            if strpos(v_name, v_token) = 0 then
                raise exception 'QB: syntax error' using errcode = 'XX000';
            end if;
            v_token := left(v_rest, 2 * length(v_token) + strpos(v_name, v_token) - 1);
        end if;
        v_name := case when v_token ~ '^".*"$' then replace(substr(v_token, 2, length(v_token) - 2), '""', '"') else v_token end;
        if v_token ~ '^["A-Za-z_\u0080-\uffff]' and v_token !~ '^[Ee]''' and exists (
            select from pg_attribute where attrelid = i_table and attnum > 0 and not attisdropped and attname = v_name::name
               and length(v_name) = length(v_name::name::text))
        then
            v_result := v_result || pgq.ostler_field_sql(i_row, v_name);
        else
            v_result := v_result || v_token;
        end if;
        v_rest := substr(v_rest, length(v_token) + 1);
    end loop;
    -- PgQ puts `select` before it; only what has a from needs that to be right.
    return case when i_expression ~* '\mfrom\M' then format(E'(select %s\n)', v_result) else format(E'(%s\n)', v_result) end;
end;
$body$;
