INSERT INTO {new} {query}
