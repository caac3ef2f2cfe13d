select pgq.ostler_retry_events($1, $3, $2);
