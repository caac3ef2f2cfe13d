SET LOCAL statement_timeout = {milliseconds};
SET LOCAL lock_timeout = {wait}
