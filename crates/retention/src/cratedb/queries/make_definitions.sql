CREATE TABLE IF NOT EXISTS {schema}."retention_definition" (
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "definition" OBJECT(IGNORED) NOT NULL,
    PRIMARY KEY ("kind", "name")
) CLUSTERED INTO 1 SHARDS
