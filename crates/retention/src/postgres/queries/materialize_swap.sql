ALTER TABLE {table} RENAME TO {old_name};
ALTER TABLE {new} RENAME TO {name};
DROP TABLE {old}
