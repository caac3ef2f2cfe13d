UPDATE {schema}."rollup_level" SET "kept_from" = greatest(coalesce("kept_from", {to}), {to}) WHERE "rollup" = ? AND "level" = ?
