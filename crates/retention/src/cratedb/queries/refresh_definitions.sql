REFRESH TABLE {schema}."retention_definition"
