-- What others ask of the owner.
-- ?1 id.
SELECT cancel_requested, leave_requested FROM operation WHERE id = ?1;
