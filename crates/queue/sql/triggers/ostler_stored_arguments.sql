-- A trigger's arguments from pg_trigger: texts in the database's encoding, each ended by a zero byte.
create or replace function pgq.ostler_stored_arguments(i_stored bytea, i_number integer)
returns text[]
language sql stable
as $$
    select coalesce(pg_catalog.array_agg(pg_catalog.convert_from(pg_catalog.decode(part, 'hex'), pg_catalog.getdatabaseencoding()) order by n), '{}')
      from (select part, n
              from pg_catalog.regexp_split_to_table(
                  pg_catalog.regexp_replace(pg_catalog.encode(i_stored, 'hex'), '(..)', '\1 ', 'g'), '00 ') with ordinality as x(raw, n),
                  lateral (select pg_catalog.replace(raw, ' ', '') as part) y
             where n operator(pg_catalog.<=) i_number) z
$$;
