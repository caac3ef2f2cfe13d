-- pgq.event_retry reads the whole batch for every event; this reads it once for all.
select pgq.event_retry_raw($1, $2, now() + make_interval(secs => $3), ev_id, ev_time, coalesce(ev_retry, 0) + 1,
                           ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4)
  from pgq.get_batch_events($4)
 where ev_id = any ($5::int8[]);
