DELETE FROM {schema}."retention_definition" WHERE "kind" = ? AND "name" = ?
