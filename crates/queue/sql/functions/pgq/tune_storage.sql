-- Event tables are only added to and emptied: full pages, and no autovacuum. Returns 1, or 0 for an unknown queue.
create or replace function pgq.tune_storage(i_queue_name text)
returns integer
language plpgsql
strict
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    child text;
begin
    select queue_ntables, queue_data_pfx into q from pgq.queue where queue_name = i_queue_name;
    if not found then
        return 0;
    end if;
    for i in 0 .. q.queue_ntables - 1 loop
        child := pgq.quote_fqname(q.queue_data_pfx || '_' || i);
        execute 'alter table ' || child || ' set (fillfactor = 100, autovacuum_enabled = off, toast.autovacuum_enabled = off)';
    end loop;
    return 1;
end
$$;
