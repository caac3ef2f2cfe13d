SELECT pg_catalog.to_jsonb(r)::text
  FROM (SELECT e.ev_id AS id, e.ev_time AS time, e.ev_retry AS retry, e.ev_type AS kind, e.ev_data AS data,
               ARRAY[e.ev_extra1, e.ev_extra2, e.ev_extra3, e.ev_extra4] AS extra,
               c.co_name AS consumer, e.ev_retry_after AS due
          FROM pgq.retry_queue e
          JOIN pgq.queue q ON q.queue_id = e.ev_queue
          JOIN pgq.subscription s ON s.sub_id = e.ev_owner AND s.sub_queue = e.ev_queue
          JOIN pgq.consumer c ON c.co_id = s.sub_consumer
         WHERE q.queue_name = $1 AND c.co_name = ANY ($2)
         ORDER BY e.ev_retry_after, e.ev_id
         LIMIT $3) r
