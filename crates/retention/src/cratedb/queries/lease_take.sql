UPDATE {schema}."retention_lease" SET "owner" = ?, "epoch" = ?, "until" = CURRENT_TIMESTAMP + '{seconds} seconds'::INTERVAL
 WHERE "name" = 'runner' AND _seq_no = ? AND _primary_term = ? RETURNING _seq_no, _primary_term
