SELECT pgq.register_consumer($1, $2)
