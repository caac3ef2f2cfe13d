UPDATE {schema}."rollup_level" SET "kept_from" = {before} WHERE "rollup" = ? AND "level" = ? AND "kept_from" = {to}
