SELECT clustered_by, partitioned_by FROM information_schema.tables WHERE table_schema = ? AND table_name = ?
