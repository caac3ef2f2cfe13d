SELECT ostler_bucket, ostler_at{by}, count(*) AS ostler_rows{columns} FROM ({rows}) AS ostler_raw GROUP BY ostler_bucket, ostler_at{by}
