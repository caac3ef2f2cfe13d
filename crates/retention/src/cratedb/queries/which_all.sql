SELECT partition_ident, max(partition_uuid) FROM sys.shards
 WHERE schema_name = ? AND table_name = ? AND partition_ident = ANY(?) GROUP BY partition_ident
