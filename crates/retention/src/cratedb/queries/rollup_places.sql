SELECT ostler_bucket AS "bucket"{by}, ostler_place, sum(ostler_times) AS ostler_times FROM ({rows}) AS ostler_source GROUP BY ostler_bucket{by}, ostler_place
