select tagged from unnest($4::int8[]) as tagged where pgq_ext.is_event_done($1, $2, $3, tagged)
-- Which of these events were tagged in the batch that ends with this tick. 0 stands for any, -1 for the whole batch.
