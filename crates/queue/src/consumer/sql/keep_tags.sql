select pgq_ext.set_event_done($1, $2, $3, tagged) from unnest(array[0::int8] || $4::int8[]) as tagged;
