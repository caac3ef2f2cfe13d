SELECT pgq.register_consumer_at($1, $2, $3)
