-- The operation is committed: nothing of it is undone any more.
-- ?1 id.
UPDATE operation SET committed = 1 WHERE id = ?1;
