-- Grants of a queue's tables as pgq.event_template has them, and of its sequences. Returns 1.
create or replace function pgq.grant_perms(x_queue_name text)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    q record;
    pfx text;
begin
    select queue_ntables, queue_data_pfx, queue_event_seq, queue_tick_seq into q
      from pgq.queue where queue_name = x_queue_name;
    if not found then
        raise exception 'Queue not found';
    end if;
    pfx := split_part(q.queue_data_pfx, '.', 2);
    execute format('grant select on %s, %s, %s to public', pgq.quote_fqname(q.queue_event_seq),
        pgq.quote_fqname(q.queue_tick_seq), pgq.quote_fqname(q.queue_data_pfx || '_switch_seq'));
    if exists (select from pg_roles where rolname = 'pgq_admin') then
        execute format('grant usage on %s to pgq_admin', pgq.quote_fqname(q.queue_event_seq));
    end if;
    perform pgq._grant_perms_from('pgq', 'event_template', 'pgq', pfx);
    for i in 0 .. q.queue_ntables - 1 loop
        perform pgq._grant_perms_from('pgq', 'event_template', 'pgq', pfx || '_' || i);
    end loop;
    return 1;
end
$$;
