select pg_try_advisory_lock(hashtextextended('ostler queue consumer ' || $1 || ' of ' || $2, 0))
-- The lock ends with the session.
