DELETE FROM started WHERE created < ?1
