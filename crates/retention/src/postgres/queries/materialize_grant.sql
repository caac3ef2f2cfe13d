GRANT {privilege} ON {table} TO {role}
