SELECT premake, retention FROM {schema}.part_config WHERE parent_table = $1
