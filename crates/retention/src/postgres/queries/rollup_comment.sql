COMMENT ON {what} {table} IS {comment}
