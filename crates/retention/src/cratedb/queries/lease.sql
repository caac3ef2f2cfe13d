SELECT "owner", "epoch", "until" > CURRENT_TIMESTAMP, _seq_no, _primary_term FROM {schema}."retention_lease" WHERE "name" = 'runner'
