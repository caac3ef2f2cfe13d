select pgq_ext.is_batch_done($1, $2, $3);
