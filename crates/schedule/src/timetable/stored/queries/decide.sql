-- Moves a schedule past what was decided. ?1 name, ?2 decided.
UPDATE schedule SET decided = CASE WHEN decided < ?2 THEN ?2 ELSE decided END WHERE name = ?1;
