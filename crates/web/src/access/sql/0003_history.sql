-- Which program brought the file to which version; earlier ones did not say.
CREATE TABLE schema_history (
    version    INTEGER PRIMARY KEY,
    written_by TEXT    NOT NULL
) STRICT;
