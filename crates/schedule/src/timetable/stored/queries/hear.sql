-- Whoever looks after a run says so. ?1 number, ?2 now.
UPDATE firing SET heard = ?2 WHERE number = ?1;
