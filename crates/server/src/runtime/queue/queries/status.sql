SELECT pg_catalog.to_jsonb(r)::text
  FROM (SELECT pg_catalog.current_database() AS database, pg_catalog.current_setting('server_version') AS server,
               (SELECT coalesce(max(version), 0) FROM pgq.ostler_migration) AS schema_version,
               (SELECT count(*) FROM pgq.queue) AS queues,
               (SELECT count(*) FROM pgq.subscription) AS consumers,
               (SELECT count(*) FROM pgq.retry_queue) + (SELECT count(*) FROM pgq.ostler_delayed) AS waiting,
               (SELECT count(*) FROM pgq.ostler_dead_letter) AS dead_letters,
               t.program AS ticker, t.backend_start AS ticker_since,
               ARRAY(SELECT n.message FROM (
                   SELECT 'queue ' || s.queue_name || ': ' || s.rotation_note AS message FROM pgq.queue_stats() s
                    WHERE s.rotation_note IS NOT NULL
                   UNION ALL
                   SELECT 'queue ' || l.queue_name || ': consumer ' || l.consumer_name || ' is behind by ' || l.lag::text
                     FROM pgq.lagging_consumers() l
                   UNION ALL
                   SELECT 'queue ' || s.queue_name || ': ' || s.dead_letters
                          || CASE s.dead_letters WHEN 1 THEN ' dead letter' ELSE ' dead letters' END FROM pgq.queue_stats() s
                    WHERE s.dead_letters > 0
                   UNION ALL
                   SELECT 'triggers of a restored database are slow: ' || string_agg(DISTINCT f.place::text, ', ')
                          || '; `ostler queue upgrade` makes them anew' FROM pgq.ostler_foreign_triggers() f HAVING count(*) > 0
                   UNION ALL
                   SELECT 'ticks are of another server, which had more transactions: nothing ticks; `ostler queue upgrade` repairs it'
                    WHERE EXISTS (SELECT FROM pgq.tick t WHERE txid_snapshot_xmax(t.tick_snapshot)
                                                             > txid_snapshot_xmax(txid_current_snapshot()))) n) AS warnings
          FROM (SELECT 1) one
          LEFT JOIN LATERAL (
               SELECT coalesce(nullif(a.application_name, ''), 'somebody') || ' ('
                      || coalesce(pg_catalog.host(a.client_addr), 'local') || ')' AS program, a.backend_start
                 FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
                WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1885827444::oid AND l.objid = 4294967295::oid
                  AND l.objsubid = 2
                  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
                LIMIT 1) t ON true) r
