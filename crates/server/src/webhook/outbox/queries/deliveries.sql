-- The newest messages of a webhook.
-- ?1 name, ?2 how many at most.
SELECT number, key, event, subject, created, attempts, due, delivered, failure
FROM delivery WHERE webhook = ?1 ORDER BY number DESC LIMIT ?2;
