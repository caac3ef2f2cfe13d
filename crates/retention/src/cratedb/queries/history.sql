SELECT _seq_no, "at", "who", "action", "policy", "item", "rows", "error", "operation", "before", "after"
  FROM {schema}."retention_audit" ORDER BY "at" DESC, _seq_no DESC LIMIT ?
