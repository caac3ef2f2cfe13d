-- The call of pgq.ostler_insert_N for the bucket N at hand, found by halves. A queue of another bucket is unknown to all of them.
create or replace function pgq.ostler_decision(i_buckets integer[], i_passes text)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    half constant integer := array_length(i_buckets, 1) / 2;
begin
    if half = 0 then
        return format(E'    return pgq.ostler_insert_%s(%s);\n', i_buckets[1], i_passes);
    end if;
    return format(E'    if v_bucket operator(pg_catalog.<) %s then\n', i_buckets[half + 1])
        || pgq.ostler_decision(i_buckets[:half], i_passes) || E'    else\n'
        || pgq.ostler_decision(i_buckets[half + 1:], i_passes) || E'    end if;\n';
end;
$$;
