select coalesce(max(m.version), 0) from pgq.ostler_migration m
