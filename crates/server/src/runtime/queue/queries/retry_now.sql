UPDATE pgq.retry_queue e
   SET ev_retry_after = pg_catalog.now()
  FROM pgq.queue q, pgq.subscription s, pgq.consumer c
 WHERE q.queue_id = e.ev_queue AND s.sub_id = e.ev_owner AND s.sub_queue = e.ev_queue AND c.co_id = s.sub_consumer
   AND q.queue_name = $1 AND c.co_name = ANY ($2) AND e.ev_retry_after > pg_catalog.now()
