UPDATE {schema}.rollup_level SET watermark = greatest(watermark, {to}) WHERE rollup = $1 AND level = $2
