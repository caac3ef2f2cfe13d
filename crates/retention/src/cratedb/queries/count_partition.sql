SELECT count(*),
       (SELECT count(*) FROM information_schema.table_partitions WHERE table_schema = ? AND table_name = ? AND partition_ident = ?),
       (SELECT max(partition_uuid) FROM sys.shards WHERE schema_name = ? AND table_name = ? AND partition_ident = ?)
  FROM {table} WHERE {condition}
