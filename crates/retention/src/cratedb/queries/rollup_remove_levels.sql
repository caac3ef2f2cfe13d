DELETE FROM {schema}."rollup_level" WHERE "rollup" = ?
