SELECT pg_catalog.to_regclass('pgq.queue') IS NOT NULL,
       pg_catalog.to_regprocedure('pgq.ostler_ticker_round(interval,boolean)') IS NOT NULL,
       pg_catalog.to_regprocedure('pgq.maint_operations()') IS NOT NULL,
       pg_catalog.pg_is_in_recovery()
