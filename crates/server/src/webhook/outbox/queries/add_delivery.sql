-- A message, unless it is there already; gives its number.
-- ?1 webhook, ?2 url, ?3 key, ?4 event, ?5 subject, ?6 body, ?7 now, ?8 due.
INSERT INTO delivery (webhook, url, key, event, subject, body, created, due)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING
RETURNING number;
