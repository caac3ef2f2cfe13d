-- The program that brought the file to its newest version. No parameters.
SELECT written_by FROM schema_history ORDER BY version DESC LIMIT 1;
