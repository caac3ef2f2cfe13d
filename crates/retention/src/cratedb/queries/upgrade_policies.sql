ALTER TABLE {schema}."retention_policy" ADD COLUMN "policy" OBJECT(IGNORED), ADD COLUMN "version" BIGINT, ADD COLUMN "format" INTEGER
