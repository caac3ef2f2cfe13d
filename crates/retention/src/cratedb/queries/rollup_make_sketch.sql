INSERT INTO {level} ("bucket"{by}, "ostler_series", "ostler_made", {places}, {times})
SELECT "bucket"{by}, {series}, {made}, ostler_all_places, ostler_all_times
  FROM (SELECT "bucket"{by}, array_agg(ostler_place) AS ostler_all_places, array_agg(ostler_times) AS ostler_all_times
          FROM ({counted}) AS ostler_counted GROUP BY "bucket"{by}) AS ostler_made
ON CONFLICT ("bucket", "ostler_series") DO UPDATE SET {changes}
