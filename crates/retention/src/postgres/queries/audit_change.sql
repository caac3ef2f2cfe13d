INSERT INTO {schema}.retention_audit (action, policy, before, after) VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb)
