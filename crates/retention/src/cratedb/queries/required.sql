SELECT partition_ident, settings['routing']['allocation']['require'] FROM information_schema.table_partitions
 WHERE table_schema = ? AND table_name = ?
