SELECT count(*) FROM {schema}."retention_audit" WHERE "policy" = ? AND "action" IN (?, ?)
