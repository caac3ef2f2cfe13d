SELECT ostler_bucket AS "bucket"{by}{columns} FROM ({rows}) AS ostler_source GROUP BY ostler_bucket{by}
