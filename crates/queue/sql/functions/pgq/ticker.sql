-- Ticks all queues that tick by themselves and are due, and moves delayed events whose time has come. Returns how many ticked.
-- One that fails is reported and does not stop the others.
create or replace function pgq.ticker()
returns bigint
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    ticked bigint := 0;
begin
    perform pgq.maint_delayed_events();
    for q in
        select queue_name from pgq.queue
         where not queue_external_ticker and not queue_ticker_paused
         order by queue_name
    loop
        begin
            if pgq.ticker(q.queue_name) is not null then
                ticked := ticked + 1;
            end if;
        exception when others then
            raise warning 'ticker of queue %: %', q.queue_name, sqlerrm;
        end;
    end loop;
    return ticked;
end
$$;
