-- Removes a schedule with its runs. ?1 name.
DELETE FROM schedule WHERE name = ?1;
