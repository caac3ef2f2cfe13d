select n.batch_id
  from pgq.next_batch_custom($1, $2, make_interval(secs => $3), $4, make_interval(secs => $5)) as n
-- The open batch of a plain consumer, or its next one; NULL when there is nothing to do.
