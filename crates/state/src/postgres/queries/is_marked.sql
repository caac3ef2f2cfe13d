-- Whether this write of a session became final. ?1 session, ?2 number.
SELECT EXISTS (SELECT FROM state_writer WHERE session = ?1 AND number = ?2);
