({of}) OR ({referenced}) IN (
    WITH RECURSIVE above AS (
        SELECT {referenced} FROM {table} WHERE {of}
        UNION
        SELECT {below} FROM {table} AS o JOIN above ON {refers})
    SELECT {referenced} FROM above)
