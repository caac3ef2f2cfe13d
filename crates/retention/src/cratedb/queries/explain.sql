EXPLAIN {statement}
