-- The newest version of a schema, and who wrote it. No parameters.
SELECT version, written_by FROM schema_history ORDER BY version DESC LIMIT 1;
