select pgq.event_retry($1, tagged, $2) from unnest($3::int8[]) as tagged
-- For a PgQ that is not ours: reads the whole batch for every event.
