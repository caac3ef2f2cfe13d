-- SQL that joins texts and leaves out NULLs, in groups because a function takes a hundred arguments at most.
create or replace function pgq.ostler_joined_sql(i_separator text, i_parts text[])
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_parts text[] := i_parts;
    v_next text[];
begin
    if coalesce(cardinality(i_parts), 0) = 0 then
        return '''''::pg_catalog.text';
    end if;
    loop
        v_next := '{}';
        for n in 0 .. (cardinality(v_parts) - 1) / 50 loop
            v_next := v_next || format('pg_catalog.concat_ws(%L, %s)', i_separator,
                array_to_string(v_parts[n * 50 + 1 : n * 50 + 50], ', '));
        end loop;
        exit when cardinality(v_next) = 1;
        -- A group of NULLs only must not leave a separator behind.
        select array_agg(format('case when %1$s operator(pg_catalog.<>) '''' then %1$s end', part) order by n)
          into v_parts
          from unnest(v_next) with ordinality as x(part, n);
    end loop;
    return v_next[1];
end;
$$;
