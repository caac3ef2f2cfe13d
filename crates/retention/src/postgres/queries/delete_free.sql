WITH gone AS (
    DELETE FROM ONLY {table}
     WHERE ctid = ANY (ARRAY(
           SELECT ctid FROM ONLY {table} WHERE {condition}
           {order} LIMIT {rows} FOR UPDATE SKIP LOCKED))
    RETURNING {column} AS moment),
tally AS (
    INSERT INTO {schema}.retention_progress AS p (operation, item, removed)
    SELECT $1, $2, count(*) FROM gone
    ON CONFLICT (operation, item) DO UPDATE SET removed = p.removed + excluded.removed)
SELECT (SELECT count(*) FROM gone), (SELECT moment::text FROM gone ORDER BY moment DESC LIMIT 1)
