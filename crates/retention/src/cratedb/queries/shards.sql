SELECT partition_ident, max(partition_uuid), sum(size), sum(num_docs) FROM sys.shards
 WHERE schema_name = ? AND table_name = ? AND "primary" GROUP BY partition_ident
