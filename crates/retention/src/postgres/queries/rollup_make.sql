WITH ostler_made AS (
    INSERT INTO {level} ({columns}) {select} RETURNING samples)
SELECT coalesce(sum(samples), 0)::bigint, count(*) FROM ostler_made
