with events as (delete from pgq_ext.completed_event where consumer_id = $1 and subconsumer_id = $2 || ': retry'),
     batches as (delete from pgq_ext.partial_batch where consumer_id = $1 and subconsumer_id = $2 || ': retry')
delete from pgq_ext.completed_batch where consumer_id = $1 and subconsumer_id = $2;
