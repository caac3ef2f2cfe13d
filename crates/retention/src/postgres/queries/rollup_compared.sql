WITH {with}ostler_made AS ({source}),
ostler_sides AS (
    SELECT {columns}{bounds} FROM ostler_made
    UNION ALL
    SELECT {columns}{zeros} FROM {level} WHERE {window}),
ostler_groups AS (
    SELECT count(*) = 2
           AND {same} AS same
      FROM ostler_sides
     GROUP BY {group})
SELECT (SELECT count(*) FROM ostler_groups), (SELECT count(*) FROM ostler_groups WHERE same IS NOT TRUE),
       (SELECT coalesce(sum(samples), 0)::bigint FROM ostler_made)
