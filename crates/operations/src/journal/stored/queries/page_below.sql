-- The number below which the operations after a place of the list are; null when there are none.
-- ?1 the operation at that place, ?2 when it was started, for when it is gone.
SELECT coalesce(
    (SELECT number FROM operation WHERE id = ?1),
    (SELECT max(number) + 1 FROM operation WHERE started < ?2)
);
