-- Of days that were over by then, only the last look of each that saw something stays, and of the newest look one of each thing.
-- ?1 the beginning of a day.
DELETE FROM observation
WHERE at < ?1
  AND number NOT IN (SELECT max(number) FROM observation GROUP BY kind, name)
  AND number NOT IN (SELECT max(number) FROM observation WHERE seen IS NOT NULL GROUP BY kind, name, at / 86400000);
