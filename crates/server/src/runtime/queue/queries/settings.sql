SELECT pg_catalog.jsonb_build_object(
         'ticker_max_count', q.queue_ticker_max_count::text, 'ticker_max_lag', q.queue_ticker_max_lag::text,
         'ticker_idle_period', q.queue_ticker_idle_period::text, 'ticker_paused', q.queue_ticker_paused::text,
         'external_ticker', q.queue_external_ticker::text, 'rotation_period', q.queue_rotation_period::text,
         'lag_limit', o.lag_limit::text, 'lag_action', coalesce(o.lag_action, 'alert'),
         'retry_limit', o.retry_limit::text, 'retry_delay', coalesce(o.retry_delay, '10 seconds')::text,
         'retry_factor', coalesce(o.retry_factor, 2)::text, 'retry_delay_max', coalesce(o.retry_delay_max, '1 hour')::text,
         'wakeup', coalesce(o.wakeup, true)::text)::text
  FROM pgq.queue q LEFT JOIN pgq.ostler_queue o ON o.oq_queue = q.queue_id
 WHERE q.queue_name = $1
