-- Forgets sessions that wrote last so long ago that nobody asks any more. No parameters.
DELETE FROM state_writer WHERE at < pg_catalog.now() - pg_catalog.make_interval(days => 7);
