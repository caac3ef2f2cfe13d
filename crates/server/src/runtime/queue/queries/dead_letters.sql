SELECT pg_catalog.to_jsonb(r)::text
  FROM (SELECT dl_id AS dead_letter, dl_time AS died, reason, consumer_name AS consumer, ev_id AS id, ev_time AS time,
               ev_retry AS retry, ev_type AS kind, ev_data AS data,
               ARRAY[ev_extra1, ev_extra2, ev_extra3, ev_extra4] AS extra
          FROM pgq.dead_letters($1, $2, $3)) r
