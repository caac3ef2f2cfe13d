-- Removes runs that were over before a moment, but for the newest of each schedule. ?1 moment, ?2 how many stay.
DELETE FROM firing
WHERE ended < ?1
  AND number NOT IN (
      SELECT n.number FROM (
          SELECT f.number, row_number() OVER (PARTITION BY f.schedule ORDER BY f.number DESC) AS place FROM firing f
      ) n WHERE n.place <= ?2
  );
