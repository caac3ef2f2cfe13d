DELETE FROM ending WHERE number IN (SELECT number FROM change WHERE at < ?1);
