-- What our own consumers call beyond PgQ's interface. Runs after grants/pgq.sql.
do $grants$
begin
    if exists (select from pg_catalog.pg_roles where rolname = 'pgq_reader') then
        grant execute on function pgq.ostler_retry_events(bigint, bigint[], integer) to pgq_reader;
    end if;
end
$grants$;
