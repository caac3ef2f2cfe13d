SELECT pgq.drop_queue($1, $2)
