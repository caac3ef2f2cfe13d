-- Which program brought the file to a version of the schema.
-- ?1 version, ?2 program.
INSERT INTO schema_history (version, written_by) VALUES (?1, ?2);
