-- Rows that a policy of row security hides are an error, and not overlooked. Whoever holds a row of the subject is waited for;
-- only they have to wait for us.
BEGIN;
SET LOCAL row_security = off;
SET LOCAL lock_timeout = {wait}
