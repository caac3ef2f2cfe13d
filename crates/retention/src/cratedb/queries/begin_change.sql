INSERT INTO {schema}."retention_audit" ("at", "who", "id", "action", "policy", "error", "before", "after")
VALUES (CURRENT_TIMESTAMP, CURRENT_USER, ?, ?, ?, ?, ?, ?)
ON CONFLICT ("id") DO UPDATE SET "at" = CURRENT_TIMESTAMP, "who" = CURRENT_USER, "error" = excluded."error", "before" = excluded."before", "after" = excluded."after"
