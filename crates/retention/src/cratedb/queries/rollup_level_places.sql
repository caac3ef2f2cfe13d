SELECT {bucket} AS ostler_bucket{by}, unnest({places}) AS ostler_place, unnest({times}) AS ostler_times FROM {table} WHERE {condition}
