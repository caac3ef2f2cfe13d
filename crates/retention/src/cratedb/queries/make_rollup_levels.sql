CREATE TABLE IF NOT EXISTS {schema}."rollup_level" (
    "rollup" TEXT NOT NULL,
    "level" INTEGER NOT NULL,
    "table_schema" TEXT NOT NULL,
    "table_name" TEXT NOT NULL,
    "kept_from" TIMESTAMP WITH TIME ZONE,
    "watermark" TIMESTAMP WITH TIME ZONE,
    "operation" TEXT,
    "reached" TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY ("rollup", "level")
) CLUSTERED INTO 1 SHARDS
