INSERT INTO {schema}."retention_policy" ("strategy", "table_schema", "table_name", "partition_column", "retention_period", "policy", "version", "format", "id")
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
