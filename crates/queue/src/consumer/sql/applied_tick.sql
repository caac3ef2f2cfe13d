select pgq_ext.get_last_tick($1), pgq_ext.get_last_tick($1, 'ostler: tick'), pgq_ext.get_last_tick($1, 'ostler: made at')
-- The last tick that was applied; and when the source made it, in microseconds, unless somebody else wrote the first number since.
