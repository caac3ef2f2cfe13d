SELECT pg_catalog.to_jsonb(r)::text
  FROM (SELECT ev_id AS id, ev_time AS time, ev_retry AS retry, ev_type AS kind, ev_data AS data,
               ARRAY[ev_extra1, ev_extra2, ev_extra3, ev_extra4] AS extra
          FROM QUEUE_TABLE
         ORDER BY ev_txid DESC, ev_id DESC
         LIMIT $1) r
