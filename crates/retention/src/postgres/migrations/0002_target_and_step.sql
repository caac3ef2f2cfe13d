-- Where archived rows are kept, and how long a partition is that is made ahead.
ALTER TABLE {schema}.retention_policy ADD COLUMN target text, ADD COLUMN step text;
