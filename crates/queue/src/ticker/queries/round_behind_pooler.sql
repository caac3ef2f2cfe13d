-- The lock is the transaction's, since no session is ours; no row where another ticker leads. That the round is given
-- `leads` keeps it behind the lock.
SELECT ticked, failed, (EXTRACT(epoch FROM wait) * 1000)::float8, silent
  FROM (SELECT pg_catalog.pg_try_advisory_xact_lock(1885827444, -1) AS leads OFFSET 0) AS lock
 CROSS JOIN LATERAL pgq.ostler_ticker_round($1::text::interval, $2 AND leads)
 WHERE leads
