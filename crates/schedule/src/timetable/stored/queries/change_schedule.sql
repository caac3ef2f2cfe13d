-- Changes a schedule and raises its version.
-- ?1 name, ?2 decided, ?3 pause, ?4 definition.
UPDATE schedule SET version = version + 1, decided = ?2, pause = ?3, definition = ?4 WHERE name = ?1;
