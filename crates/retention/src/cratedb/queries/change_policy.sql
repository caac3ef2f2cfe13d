UPDATE {schema}."retention_policy"
   SET "strategy" = ?, "table_schema" = ?, "table_name" = ?, "partition_column" = ?, "retention_period" = ?, "policy" = ?, "version" = ?, "format" = ?
 WHERE "id" = ? AND _seq_no = ? AND _primary_term = ?
