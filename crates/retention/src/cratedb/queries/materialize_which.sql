SELECT DISTINCT partition_uuid FROM sys.shards WHERE schema_name = ? AND table_name = ? ORDER BY partition_uuid
