REFRESH TABLE {schema}."retention_policy"
