WITH gone AS (
    DELETE FROM ONLY {table}
     WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY(
           SELECT ctid FROM ONLY {table} WHERE {condition}
           {order} LIMIT {rows} FOR UPDATE SKIP LOCKED))
    RETURNING {column} AS moment),
tally AS (
    INSERT INTO {schema}.retention_progress AS p (operation, item, removed)
    SELECT $1, $2, pg_catalog.count(*) FROM gone
    ON CONFLICT (operation, item) DO UPDATE SET removed = p.removed OPERATOR(pg_catalog.+) excluded.removed)
SELECT (SELECT pg_catalog.count(*) FROM gone),
       (SELECT moment::pg_catalog.text FROM gone ORDER BY moment DESC LIMIT 1)
