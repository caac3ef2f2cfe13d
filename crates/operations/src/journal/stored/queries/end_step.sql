-- Ends a step, or its undo; what is NULL stays as it was.
-- ?1 operation, ?2 position, ?3 key, ?4 name, ?5 state, ?6 result, ?7 reasons, ?8 progress, ?9 now.
UPDATE step
SET state = ?5, result = coalesce(?6, result), reasons = coalesce(?7, reasons),
    progress = coalesce(?8, progress), ended = ?9
WHERE operation = ?1 AND position = ?2 AND key = ?3 AND name = ?4;
