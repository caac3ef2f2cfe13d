SELECT pgq.dead_letter_drop($1)
