-- Operations are in the totals up to this change. ?1 number.
UPDATE cursor SET number = ?1;
