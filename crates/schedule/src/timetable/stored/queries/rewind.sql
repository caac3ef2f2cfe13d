-- Moves a schedule back to what it was decided on at a moment. ?1 name, ?2 decided.
UPDATE schedule SET decided = ?2 WHERE name = ?1;
