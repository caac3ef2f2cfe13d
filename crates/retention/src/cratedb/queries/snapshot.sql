SELECT state, total_shards, failures, table_partitions FROM sys.snapshots WHERE repository = ? AND name = ?
