DELETE FROM {schema}."retention_policy" WHERE "id" = ? AND _seq_no = ? AND _primary_term = ?
