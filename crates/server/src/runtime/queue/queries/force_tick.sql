SELECT pgq.force_tick($1)
