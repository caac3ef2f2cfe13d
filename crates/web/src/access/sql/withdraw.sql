DELETE FROM started WHERE owner = ?1 AND key = ?2 AND operation IS NULL
