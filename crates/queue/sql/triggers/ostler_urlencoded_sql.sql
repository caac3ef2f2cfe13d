-- SQL for one column of a urlencoded row: `name=value`, or `name` alone for NULL. Types that cannot contain a character
-- to encode, or only some known ones, are spared the search for others.
create or replace function pgq.ostler_urlencoded_sql(i_name text, i_value text, i_type oid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_base regtype := pgq.ostler_base_type(i_type);
    v_text text := pgq.ostler_output_sql(i_value, i_type);
    v_dates text := 'case when pg_catalog.starts_with(pg_catalog.current_setting(''DateStyle''), ''ISO'') then %s else pgq.ostler_urlencode(%s) end';
begin
    v_text := case
        when v_base in ('smallint', 'integer', 'bigint', 'oid', 'numeric', 'uuid') then i_value
        when v_base = 'boolean'::regtype then v_text
        when v_base in ('real', 'double precision') then format('pg_catalog.replace(%s, ''+'', ''%%2b'')', v_text)
        when v_base = 'date'::regtype then
            format(v_dates, format('pg_catalog.replace(%s, '' '', ''+'')', v_text), v_text)
        when v_base = 'timestamp'::regtype then
            format(v_dates, format('pg_catalog.replace(pg_catalog.replace(%s, '':'', ''%%3a''), '' '', ''+'')', v_text), v_text)
        when v_base = 'timestamptz'::regtype then
            format(v_dates, format('pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(%s, ''+'', ''%%2b''), '':'', ''%%3a''), '' '', ''+'')', v_text), v_text)
        when v_base in ('text', 'varchar') then
            format('case when %1$s operator(pg_catalog.~) ''[^A-Za-z0-9_. -]'' then pgq.ostler_urlencode(%1$s) else pg_catalog.replace(%1$s, '' '', ''+'') end', v_text)
        else format('pgq.ostler_urlencode(%s)', v_text)
    end;
    return format('pg_catalog.concat_ws(''='', %L, %s)', pgq.ostler_urlencode(i_name), v_text);
end;
$$;
