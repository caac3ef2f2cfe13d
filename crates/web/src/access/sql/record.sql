UPDATE started SET operation = ?3 WHERE owner = ?1 AND key = ?2
