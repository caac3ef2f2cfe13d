SELECT partition_ident FROM information_schema.table_partitions
 WHERE table_schema = ? AND table_name = ? AND partition_ident = ANY(?) AND settings['blocks']['write'] = TRUE
