SELECT pgq.insert_event_at($1, $8::text::timestamptz, $2, $3, $4, $5, $6, $7)
