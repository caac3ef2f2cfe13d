INSERT INTO {schema}."retention_audit" ("at", "who", "id", "action", "policy", "item", "rows", "error", "operation")
VALUES (CURRENT_TIMESTAMP, CURRENT_USER, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
