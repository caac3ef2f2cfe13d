-- Up to which change operations are in the totals.
SELECT number FROM cursor;
