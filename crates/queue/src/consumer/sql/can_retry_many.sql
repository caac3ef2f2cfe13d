select coalesce(has_function_privilege(to_regprocedure('pgq.ostler_retry_events(bigint, bigint[], integer)'), 'execute'), false)
-- False for a PgQ that is not ours, and for one of ours that did not grant it to readers.
