-- Takes a message to send it, unless somebody else did; it is due again if nobody says how that went.
-- ?1 number, ?2 now, ?3 due again.
UPDATE delivery SET attempts = attempts + 1, due = ?3 WHERE number = ?1 AND due <= ?2
RETURNING number, webhook, url, key, event, body, attempts;
