-- Gives a run to its next owner, or to nobody under the same epoch. ?1 number, ?2 owner, ?3 epoch, ?4 now.
UPDATE firing SET owner = ?2, epoch = ?3, heard = ?4 WHERE number = ?1;
