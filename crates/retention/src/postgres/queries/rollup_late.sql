-- Buckets of the first level that were made from other rows than the table has, with both numbers.
WITH ostler_raw AS (
    SELECT bucket, count(*) AS n FROM (SELECT {bucket} AS bucket FROM {table} WHERE {raw_window}) AS ostler_rows GROUP BY bucket),
ostler_made AS (
    SELECT bucket, sum(samples)::bigint AS n FROM {level} WHERE {window} GROUP BY bucket)
SELECT coalesce(r.bucket, m.bucket)::text, coalesce(r.n, 0), coalesce(m.n, 0)
  FROM ostler_raw r FULL JOIN ostler_made m ON m.bucket = r.bucket
 WHERE coalesce(r.n, 0) <> coalesce(m.n, 0)
 ORDER BY coalesce(r.bucket, m.bucket)
