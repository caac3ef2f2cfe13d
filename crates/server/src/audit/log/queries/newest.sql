-- The newest changes. ?1 below this number, ?2 how many at most, ?3 not before, ?4 by whom, ?5 what is in action or object;
-- NULL does not narrow.
SELECT change.number, change.at, who, known, address, action, object, before, state, after, ending.at, failure
FROM change LEFT JOIN ending ON ending.number = change.number
WHERE change.number < ?1
  AND (?3 IS NULL OR change.at >= ?3)
  AND (?4 IS NULL OR who = ?4)
  AND (?5 IS NULL OR instr(action, ?5) > 0 OR instr(object, ?5) > 0)
ORDER BY change.number DESC LIMIT ?2;
