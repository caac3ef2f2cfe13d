CREATE TABLE IF NOT EXISTS {schema}."retention_policy" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "strategy" TEXT NOT NULL,
    "tags" OBJECT(DYNAMIC),
    "table_schema" TEXT,
    "table_name" TEXT,
    "partition_column" TEXT NOT NULL,
    "retention_period" INTEGER NOT NULL,
    "reallocation_attribute_name" TEXT,
    "reallocation_attribute_value" TEXT,
    "target_repository_name" TEXT,
    "policy" OBJECT(IGNORED),
    "version" BIGINT,
    "format" INTEGER
) CLUSTERED INTO 1 SHARDS
