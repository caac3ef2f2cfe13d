-- After all functions: tables of an older PgQ, which the statements of the tables left as they were.
select pgq_ext.upgrade_schema();
