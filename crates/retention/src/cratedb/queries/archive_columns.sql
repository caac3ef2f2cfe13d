SELECT column_name, data_type, is_generated FROM information_schema.columns
 WHERE table_schema = ? AND table_name = ? AND column_details['path'] = [] ORDER BY ordinal_position
