SELECT "operation", "reached" FROM {schema}."rollup_level" WHERE "rollup" = ? AND "level" = ?
