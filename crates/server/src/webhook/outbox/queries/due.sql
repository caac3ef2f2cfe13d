-- Of each receiver the message that is due longest.
-- ?1 now.
SELECT min(number) FROM delivery WHERE due <= ?1 GROUP BY coalesce(webhook, ''), url ORDER BY min(due);
