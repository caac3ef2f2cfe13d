delete from pgq_ext.completed_batch where consumer_id = $1 and subconsumer_id = $2;
