SELECT ticked, failed, (EXTRACT(epoch FROM wait) * 1000)::float8, silent FROM pgq.ostler_ticker_round($1::text::interval, $2)
