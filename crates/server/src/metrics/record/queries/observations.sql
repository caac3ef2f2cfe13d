-- The newest look at each thing, with the newest that saw something.
SELECT o.kind, o.name, o.at, o.took_ms, o.failure, s.seen, s.at
FROM (SELECT kind, name, max(number) AS newest, max(CASE WHEN seen IS NOT NULL THEN number END) AS seen
      FROM observation GROUP BY kind, name) AS n
JOIN observation AS o ON o.number = n.newest
LEFT JOIN observation AS s ON s.number = n.seen
ORDER BY o.kind, o.name;
