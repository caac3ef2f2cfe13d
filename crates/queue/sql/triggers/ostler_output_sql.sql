-- SQL for the text form of a value as the type's output function gives it, NULL for NULL. A cast to text is not always
-- that: it gives `true` for `t`, drops the blanks of char(n), writes /32 behind an inet.
create or replace function pgq.ostler_output_sql(i_value text, i_type oid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_base oid := pgq.ostler_base_type(i_type);
begin
    if v_base = 'boolean'::regtype then
        return format('case when %1$s then ''t'' when not %1$s then ''f'' end', i_value);
    end if;
    if v_base in ('text'::regtype, 'varchar'::regtype, 'name'::regtype)
        or (v_base < 16384 and not exists (select from pg_cast where castsource = v_base and casttarget = 'text'::regtype))
    then
        return format('%s::pg_catalog.text', i_value);
    end if;
    return format('case when pg_catalog.num_nulls(%1$s) operator(pg_catalog.=) 0 then pg_catalog.concat(%1$s) end', i_value);
end;
$$;
