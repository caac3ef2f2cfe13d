SELECT partition_ident, state, node['id'], relocating_node FROM sys.shards WHERE schema_name = ? AND table_name = ?
