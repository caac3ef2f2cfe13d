-- What the planner has to know of a database, besides lists.
select pg_catalog.current_setting('server_version_num')::int,
       current_user::text,
       pg_catalog.has_database_privilege(current_database(), 'create'),
       (select r.rolsuper or r.rolcreaterole from pg_catalog.pg_roles r where r.rolname = current_user),
       array(select r.rolname::text from pg_catalog.pg_roles r where r.rolname in ('pgq_reader', 'pgq_writer', 'pgq_admin') order by 1),
       pg_catalog.to_regclass('pgq.ostler_migration') is not null,
       pg_catalog.to_regclass('pgq.queue') is not null,
       pg_catalog.to_regclass('pgq.tick') is not null
