UPDATE {schema}."retention_lease" SET "until" = CURRENT_TIMESTAMP WHERE "name" = 'runner' AND _seq_no = ? AND _primary_term = ?
