-- Waits until no other writer of this store is at work; gives the server's time in milliseconds.
-- ?1 schema, ?2 whether what is written must survive the machine: 1 or 0.
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(?1, 7250)),
       (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::int8,
       CASE WHEN ?2 = 1 AND pg_catalog.current_setting('synchronous_commit') = 'off'
            THEN pg_catalog.set_config('synchronous_commit', 'on', true)
            WHEN ?2 = 0 THEN pg_catalog.set_config('synchronous_commit', 'off', true)
       END;
