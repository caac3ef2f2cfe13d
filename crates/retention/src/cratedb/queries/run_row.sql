SELECT "rows", "error" FROM {schema}."retention_audit" WHERE "id" = ?
