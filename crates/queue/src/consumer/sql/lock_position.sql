select pg_advisory_xact_lock(hashtext('ostler queue consumer'), hashtext($1))
-- Until the end of the transaction: two processes with the same batch go one after the other.
