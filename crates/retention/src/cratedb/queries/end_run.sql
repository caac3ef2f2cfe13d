UPDATE {schema}."retention_audit" SET "rows" = ?, "error" = ? WHERE "id" = ?
