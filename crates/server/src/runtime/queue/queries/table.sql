SELECT queue_data_pfx FROM pgq.queue WHERE queue_name = $1
