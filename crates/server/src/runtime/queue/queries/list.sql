SELECT pg_catalog.to_jsonb(r)::text
  FROM (SELECT s.queue_name AS queue, q.queue_ticker_paused AS paused, q.queue_external_ticker AS external,
               q.queue_disable_insert AS disabled, coalesce(s.events, 0) AS events,
               coalesce(s.events_unticked, 0) AS events_unticked, coalesce(s.events_per_second, 0) AS events_per_second,
               s.last_tick_id AS last_tick, (extract(epoch FROM s.ticker_lag) * 1000)::bigint AS ticker_lag_ms,
               s.consumers, s.slowest_consumer, (extract(epoch FROM s.slowest_lag) * 1000)::bigint AS slowest_lag_ms,
               s.slowest_pending, s.dead_letters, s.rotation_note
          FROM pgq.queue_stats() s JOIN pgq.queue q USING (queue_name)
         WHERE s.queue_name = ANY ($1)
         ORDER BY s.queue_name) r
