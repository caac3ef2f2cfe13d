SELECT "name", "definition" FROM {schema}."retention_definition" WHERE "kind" = ? ORDER BY "name" LIMIT 10000
