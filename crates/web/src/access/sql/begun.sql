SELECT request, operation FROM started WHERE owner = ?1 AND key = ?2
