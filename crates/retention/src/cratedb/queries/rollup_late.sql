SELECT "bucket", sum(ostler_rows), sum(ostler_samples) FROM (
    SELECT {bucket} AS "bucket", 1::BIGINT AS ostler_rows, 0::BIGINT AS ostler_samples FROM {table} WHERE {raw_window}
    UNION ALL
    SELECT "bucket", 0::BIGINT AS ostler_rows, "samples" AS ostler_samples FROM {level} WHERE {window}) AS ostler_both
 GROUP BY "bucket" HAVING sum(ostler_rows) <> sum(ostler_samples) ORDER BY "bucket" LIMIT 1000000
