SELECT pgq.set_queue_config($1, $2, $3)
