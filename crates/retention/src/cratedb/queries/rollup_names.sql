SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_name = ANY(?) ORDER BY table_name
