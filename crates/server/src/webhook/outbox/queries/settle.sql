-- How it went. ?1 number, ?2 due again, ?3 delivered, ?4 failure.
UPDATE delivery SET due = ?2, delivered = ?3, failure = ?4 WHERE number = ?1;
