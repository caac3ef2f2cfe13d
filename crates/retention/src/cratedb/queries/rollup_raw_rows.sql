SELECT {bucket} AS ostler_bucket, {at} AS ostler_at{columns} FROM {table} WHERE {condition}
