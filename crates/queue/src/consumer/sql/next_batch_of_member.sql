select pgq_coop.next_batch_custom($1, $2, $6, make_interval(secs => $3), $4, make_interval(secs => $5),
                                  make_interval(secs => $7)) as batch_id
-- The same for a member of a cooperative consumer; $7 is after how many seconds of silence another member is dead.
