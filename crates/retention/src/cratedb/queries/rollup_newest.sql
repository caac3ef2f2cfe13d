SELECT max("ostler_made") FROM {table}
