SELECT pgq.unregister_consumer($1, $2)
