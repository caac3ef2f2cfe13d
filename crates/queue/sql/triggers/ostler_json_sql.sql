-- SQL for one value of a JSON row: bool and whole numbers bare, dates and times in ISO form, everything else its text as
-- a string. Only the built-in types themselves count, not domains over them.
create or replace function pgq.ostler_json_sql(i_value text, i_type oid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when i_type = 'boolean'::regtype then
            format('case when %1$s then ''true'' when not %1$s then ''false'' else ''null'' end', i_value)
        when i_type in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) then
            format('coalesce(%s::pg_catalog.text, ''null'')', i_value)
        when i_type in ('timestamp'::regtype, 'timestamptz'::regtype, 'date'::regtype) then
            format('coalesce(pg_catalog.to_json(%s)::pg_catalog.text, ''null'')', i_value)
        when i_type in ('numeric'::regtype, 'real'::regtype, 'double precision'::regtype, 'uuid'::regtype) then
            format('coalesce(''"'' operator(pg_catalog.||) %s::pg_catalog.text operator(pg_catalog.||) ''"'', ''null'')', i_value)
        else
            format('coalesce(pg_catalog.to_json(%s)::pg_catalog.text, ''null'')', pgq.ostler_output_sql(i_value, i_type))
    end;
end;
$$;
