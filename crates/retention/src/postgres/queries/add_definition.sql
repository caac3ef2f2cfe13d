INSERT INTO {schema}.retention_definition (kind, name, definition) VALUES ($1, $2, $3::text::jsonb)
