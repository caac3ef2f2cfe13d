select count(*) from pgq.queue
