REFRESH TABLE {schema}."rollup_level"
