-- Asks the owner to stop and undo.
-- ?1 id.
UPDATE operation SET cancel_requested = 1, state = 'cancelling' WHERE id = ?1;
