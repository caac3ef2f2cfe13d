SELECT partition_ident, "values", closed FROM information_schema.table_partitions
 WHERE table_schema = ? AND table_name = ? ORDER BY partition_ident
