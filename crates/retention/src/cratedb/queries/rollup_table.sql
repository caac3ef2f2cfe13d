CREATE TABLE {table} (
    "bucket" TIMESTAMP WITH TIME ZONE NOT NULL,
    "ostler_series" TEXT NOT NULL,
    {columns},
    "ostler_made" BIGINT NOT NULL,
    "ostler_proven" BOOLEAN,
    PRIMARY KEY ("bucket", "ostler_series")
) CLUSTERED INTO 4 SHARDS
