-- What became of the messages of each webhook: waiting, taken, given up, attempts; and when the oldest that waits was made.
SELECT coalesce(webhook, ''), count(due), count(delivered), count(*) - count(due) - count(delivered),
    min(CASE WHEN due IS NOT NULL THEN created END)
FROM delivery GROUP BY webhook ORDER BY 1;
