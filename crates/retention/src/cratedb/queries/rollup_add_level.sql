INSERT INTO {schema}."rollup_level" ("rollup", "level", "table_schema", "table_name") VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
