-- The number of the newest change that there ever was; 0 when there was none.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'change'), 0);
