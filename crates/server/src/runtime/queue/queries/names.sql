SELECT queue_name FROM pgq.queue ORDER BY queue_name
