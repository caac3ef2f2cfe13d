SELECT pg_catalog.to_jsonb(r)::text
  FROM (SELECT ev_id AS id, ev_time AS time, ev_retry AS retry, ev_type AS kind, ev_data AS data,
               ARRAY[ev_extra1, ev_extra2, ev_extra3, ev_extra4] AS extra
          FROM QUEUE_TABLE,
               (SELECT s.sub_id, t.tick_snapshot
                  FROM pgq.subscription s
                  JOIN pgq.consumer c ON c.co_id = s.sub_consumer
                  JOIN pgq.queue q ON q.queue_id = s.sub_queue
                  JOIN pgq.tick t ON t.tick_queue = s.sub_queue AND t.tick_id = s.sub_last_tick
                 WHERE q.queue_name = $2 AND c.co_name = $3) p
         WHERE ev_txid >= pg_catalog.txid_snapshot_xmin(p.tick_snapshot)
           AND NOT pg_catalog.txid_visible_in_snapshot(ev_txid, p.tick_snapshot)
           AND (ev_owner IS NULL OR ev_owner = p.sub_id)
         ORDER BY ev_id
         LIMIT $1) r
