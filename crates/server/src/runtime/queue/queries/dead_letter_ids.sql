SELECT dl_id FROM pgq.dead_letters($1, $2, 2147483647)
