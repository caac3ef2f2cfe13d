-- All webhooks and what waits for them.
SELECT name, created, definition, secret,
    (SELECT count(*) FROM delivery WHERE webhook = name AND due IS NOT NULL) AS pending,
    (SELECT count(*) FROM delivery WHERE webhook = name AND due IS NULL AND delivered IS NULL) AS given_up
FROM webhook ORDER BY name;
