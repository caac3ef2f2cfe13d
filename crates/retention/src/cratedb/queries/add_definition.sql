INSERT INTO {schema}."retention_definition" ("kind", "name", "definition") VALUES (?, ?, ?)
