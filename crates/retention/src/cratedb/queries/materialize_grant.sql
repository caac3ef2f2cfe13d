{state} {privilege} ON TABLE {table} TO {role}
