CREATE VIEW {view} AS {select}
