SELECT pg_catalog.to_jsonb(r)::text
  FROM (SELECT w.*
          FROM (SELECT e.ev_id AS id, e.ev_time AS time, e.ev_retry AS retry, e.ev_type AS kind, e.ev_data AS data,
                       ARRAY[e.ev_extra1, e.ev_extra2, e.ev_extra3, e.ev_extra4] AS extra,
                       main.co_name AS consumer, e.ev_retry_after AS due
                  FROM pgq.queue q
                  JOIN pgq.retry_queue e ON e.ev_queue = q.queue_id
                  -- Members of a cooperative consumer have its number too; their names are longer.
                  JOIN LATERAL (SELECT c.co_name FROM pgq.subscription s JOIN pgq.consumer c ON c.co_id = s.sub_consumer
                                 WHERE s.sub_id = e.ev_owner AND s.sub_queue = e.ev_queue
                                 ORDER BY pg_catalog.length(c.co_name) LIMIT 1) main ON true
                 WHERE q.queue_name = $1 AND main.co_name = ANY ($2)
                UNION ALL
                SELECT d.ev_id, d.ev_time, NULL, d.ev_type, d.ev_data, ARRAY[d.ev_extra1, d.ev_extra2, d.ev_extra3, d.ev_extra4],
                       NULL, d.de_after
                  FROM pgq.queue q JOIN pgq.ostler_delayed d ON d.de_queue = q.queue_id
                 WHERE q.queue_name = $1 AND $4) w
         ORDER BY w.due, w.id
         LIMIT $3) r
