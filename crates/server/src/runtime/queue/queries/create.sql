SELECT pgq.create_queue($1)
