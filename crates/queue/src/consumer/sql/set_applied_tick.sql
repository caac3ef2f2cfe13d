select pgq_ext.set_last_tick($1, $2), pgq_ext.set_last_tick($1, 'ostler: tick', $2),
       pgq_ext.set_last_tick($1, 'ostler: made at', $3)
