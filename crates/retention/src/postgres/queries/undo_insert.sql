INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values} FROM pg_temp.ostler_back
