INSERT INTO {schema}."retention_lease" ("name", "owner", "epoch", "until")
VALUES ('runner', ?, 1, CURRENT_TIMESTAMP + '{seconds} seconds'::INTERVAL) RETURNING _seq_no, _primary_term
