-- Removes messages that were taken or given up, made before this. ?1 before.
DELETE FROM delivery WHERE due IS NULL AND created < ?1;
