-- Moves a schedule past what was decided. ?1 name, ?2 decided.
UPDATE schedule SET decided = max(decided, ?2) WHERE name = ?1;
