INSERT INTO {schema}.retention_policy
SELECT * FROM pg_catalog.jsonb_populate_record(NULL::{schema}.retention_policy, $1::text::jsonb)
