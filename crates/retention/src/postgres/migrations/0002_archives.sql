-- Where archived rows are kept.
ALTER TABLE {schema}.retention_policy ADD COLUMN target text;
