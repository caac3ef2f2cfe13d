select pgq.batch_retry($1, $2);
