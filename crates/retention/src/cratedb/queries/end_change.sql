UPDATE {schema}."retention_audit" SET "error" = ? WHERE "id" = ?
