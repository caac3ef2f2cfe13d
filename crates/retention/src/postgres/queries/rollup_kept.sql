UPDATE {schema}.rollup_level SET kept_from = greatest(kept_from, {to}) WHERE rollup = $1 AND level = $2
