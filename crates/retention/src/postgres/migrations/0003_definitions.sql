-- What is called by a name besides policies: rollups. {schema} is replaced by the quoted name of the schema.
CREATE TABLE {schema}.retention_definition (
    kind text NOT NULL,
    name text NOT NULL,
    definition jsonb NOT NULL,
    PRIMARY KEY (kind, name)
);

-- How far the levels of rollups are; level 0 is the raw table. The rollups' views read it.
CREATE TABLE {schema}.rollup_level (
    rollup text NOT NULL,
    level integer NOT NULL,
    table_schema text NOT NULL,
    table_name text NOT NULL,
    kept_from timestamptz,
    watermark timestamptz,
    PRIMARY KEY (rollup, level)
);

-- Sketches count numbers by the power of 1.02 that they are next to: the key is the sign and the power, `0` for zero. Two are
-- merged by adding the counts; a percentile is within 1 % of the number that is at its place.
CREATE FUNCTION {schema}.rollup_sketch(numbers double precision[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $sketch$
    SELECT jsonb_object_agg(place, times) FROM (
        SELECT place, count(*) AS times FROM (
            SELECT CASE WHEN number > 0 THEN '+' || ceil(ln(number) / ln(1.02::double precision))::text
                        WHEN number < 0 THEN '-' || ceil(ln(-number) / ln(1.02::double precision))::text
                        ELSE '0' END AS place
              FROM unnest(numbers) AS number
             WHERE number < 'Infinity' AND number > '-Infinity') AS placed
         GROUP BY place) AS counted
$sketch$;

CREATE FUNCTION {schema}.rollup_merge(sketches jsonb[]) RETURNS jsonb
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $merge$
    SELECT jsonb_object_agg(place, times) FROM (
        SELECT entry.key AS place, sum(entry.value::bigint)::bigint AS times
          FROM unnest(sketches) AS sketch CROSS JOIN LATERAL jsonb_each_text(sketch) AS entry
         GROUP BY entry.key) AS counted
$merge$;

CREATE FUNCTION {schema}.rollup_percentile(sketch jsonb, share double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $percentile$
    SELECT number FROM (
        SELECT number, sum(times) OVER (ORDER BY number) AS up_to, sum(times) OVER () AS total FROM (
            SELECT entry.value::bigint AS times,
                   CASE left(entry.key, 1)
                        WHEN '+' THEN 2 * power(1.02::double precision, substr(entry.key, 2)::double precision) / 2.02
                        WHEN '-' THEN -2 * power(1.02::double precision, substr(entry.key, 2)::double precision) / 2.02
                        ELSE 0 END AS number
              FROM jsonb_each_text(sketch) AS entry) AS read) AS counted
     WHERE up_to >= greatest(ceil(share * total), 1)
     ORDER BY number LIMIT 1
$percentile$;
