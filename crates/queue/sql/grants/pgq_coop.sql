grant usage on schema pgq_coop to public;
revoke execute on all functions in schema pgq_coop from public;
grant execute on function pgq_coop.version() to public;

do $grants$
begin
    if exists (select from pg_catalog.pg_roles where rolname = 'pgq_reader') then
        grant execute on all functions in schema pgq_coop to pgq_reader;
    end if;
    if exists (select from pg_catalog.pg_roles where rolname = 'pgq_admin') then
        grant execute on all functions in schema pgq_coop to pgq_admin;
    end if;
end
$grants$;
