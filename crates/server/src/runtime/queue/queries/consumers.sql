SELECT pg_catalog.to_jsonb(r)::text
  FROM (SELECT queue_name AS queue, consumer_name AS consumer, (extract(epoch FROM lag) * 1000)::bigint AS lag_ms,
               (extract(epoch FROM last_seen) * 1000)::bigint AS last_seen_ms, last_tick, current_batch AS batch,
               pending_events AS pending
          FROM pgq.get_consumer_info()
         ORDER BY queue_name, consumer_name) r
