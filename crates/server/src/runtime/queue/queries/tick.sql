SELECT pg_catalog.set_config('pgq.wakeup_lag', '0', true), pgq.ticker($1)
