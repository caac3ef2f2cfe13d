-- How many tables, indexes and the like the file has. No parameters.
SELECT count(*) FROM sqlite_schema;
