CREATE TABLE IF NOT EXISTS {schema}."retention_audit" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "at" TIMESTAMP WITH TIME ZONE NOT NULL,
    "who" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "policy" TEXT NOT NULL,
    "item" TEXT,
    "rows" BIGINT,
    "error" TEXT,
    "operation" TEXT,
    "before" OBJECT(IGNORED),
    "after" OBJECT(IGNORED)
) CLUSTERED INTO 1 SHARDS
