SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET search_path = pg_catalog, pg_temp;
SET lock_timeout = '300ms';
SET statement_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET constraint_exclusion = on;
SET default_transaction_isolation = 'read committed'
