INSERT INTO {schema}."retention_audit" ("at", "who", "id", "action", "policy", "item", "error", "operation")
VALUES (CURRENT_TIMESTAMP, CURRENT_USER, ?, ?, ?, ?, ?, ?)
