WITH delayed AS (
    UPDATE pgq.ostler_delayed d SET de_after = pg_catalog.now()
      FROM pgq.queue q
     WHERE q.queue_id = d.de_queue AND q.queue_name = $1 AND d.de_after > pg_catalog.now() AND $3)
UPDATE pgq.retry_queue e
   SET ev_retry_after = pg_catalog.now()
  FROM pgq.queue q
 WHERE q.queue_id = e.ev_queue AND q.queue_name = $1 AND e.ev_retry_after > pg_catalog.now()
   AND EXISTS (SELECT FROM pgq.subscription s JOIN pgq.consumer c ON c.co_id = s.sub_consumer
                WHERE s.sub_id = e.ev_owner AND s.sub_queue = e.ev_queue AND c.co_name = ANY ($2))
