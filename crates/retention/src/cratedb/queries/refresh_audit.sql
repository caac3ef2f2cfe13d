REFRESH TABLE {schema}."retention_audit"
