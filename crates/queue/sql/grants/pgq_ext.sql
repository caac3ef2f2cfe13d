grant usage on schema pgq_ext to public;
revoke execute on all functions in schema pgq_ext from public;
grant execute on function pgq_ext.version() to public;

do $grants$
begin
    if exists (select from pg_catalog.pg_roles where rolname = 'pgq_writer') then
        grant execute on all functions in schema pgq_ext to pgq_writer;
    end if;
    if exists (select from pg_catalog.pg_roles where rolname = 'pgq_admin') then
        grant execute on all functions in schema pgq_ext to pgq_admin;
        grant select, insert, update, delete on pgq_ext.completed_tick, pgq_ext.completed_batch, pgq_ext.completed_event,
            pgq_ext.partial_batch to pgq_admin;
    end if;
end
$grants$;
