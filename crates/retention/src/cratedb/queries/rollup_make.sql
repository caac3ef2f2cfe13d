INSERT INTO {level} ({columns}, "ostler_series", "ostler_made", "ostler_proven")
SELECT {columns}, {series}, {made}, FALSE FROM ({sums}) AS ostler_made
ON CONFLICT ("bucket", "ostler_series") DO UPDATE SET {changes}
