INSERT INTO {schema}.retention_audit (action, policy, item, rows, error, operation) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
