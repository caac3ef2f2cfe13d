SELECT settings['blocks']['write'] FROM information_schema.table_partitions
 WHERE table_schema = ? AND table_name = ? AND partition_ident = ?
