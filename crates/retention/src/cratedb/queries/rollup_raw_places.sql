SELECT {bucket} AS ostler_bucket{by}, {place} AS ostler_place, 1::BIGINT AS ostler_times FROM {table} WHERE {condition} AND {column} IS NOT NULL
