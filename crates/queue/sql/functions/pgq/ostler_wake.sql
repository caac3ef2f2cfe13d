-- Called by producers after their event got its id: wakes the ticker, if it sleeps, when this transaction commits. Whoever makes
-- the sequence even tells, the others need not: a commit with NOTIFY waits for all others of the server.
create or replace function pgq.ostler_wake(i_queue_id integer)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if pg_sequence_last_value('pgq.ostler_wakeup_seq'::regclass) % 2 = 1
       and not exists (select from pgq.ostler_queue o where o.oq_queue = i_queue_id and not o.wakeup)
    then
        if nextval('pgq.ostler_wakeup_seq') % 2 = 0 then
            notify "pgq.wake";
        else
            -- Somebody else was first.
            perform nextval('pgq.ostler_wakeup_seq');
        end if;
    end if;
end
$$;
