-- All totals.
SELECT name, labels, value FROM total ORDER BY name, labels;
