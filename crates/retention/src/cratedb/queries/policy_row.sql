SELECT "version", _seq_no, _primary_term FROM {schema}."retention_policy" WHERE "id" = ?
