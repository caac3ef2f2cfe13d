SELECT count(*), count(*) FILTER (WHERE NOT ostler_same), coalesce(sum(ostler_of), 0) FROM (
    SELECT min(ostler_side) < max(ostler_side) AND count(*) = 2 AND {same} AS ostler_same,
           sum(CASE WHEN ostler_side = 1 THEN {rows} ELSE 0::BIGINT END) AS ostler_of
      FROM (SELECT 1 AS ostler_side, {columns}{bounds} FROM ({sums}) AS ostler_made
            UNION ALL
            SELECT 2 AS ostler_side, {columns}{zeros} FROM {level}) AS ostler_sides
     GROUP BY {group}) AS ostler_groups
