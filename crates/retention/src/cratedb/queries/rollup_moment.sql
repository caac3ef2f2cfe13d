(SELECT {column} FROM {schema}."rollup_level" WHERE "rollup" = {rollup} AND "level" = {level})
