SELECT "rollup", "level", "table_schema", "table_name", "kept_from", "watermark"
  FROM {schema}."rollup_level" ORDER BY "rollup", "level" LIMIT 10000
