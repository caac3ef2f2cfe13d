SELECT "id", "strategy", "tags", "table_schema", "table_name", "partition_column", "retention_period",
       "reallocation_attribute_name", "reallocation_attribute_value", "target_repository_name",
       "policy", "version", "format"
  FROM {schema}."retention_policy" ORDER BY "id" LIMIT 10000
