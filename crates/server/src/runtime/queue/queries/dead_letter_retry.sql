SELECT pgq.dead_letter_retry($1)
