-- Makes a queue with its tables, sequences and first tick. Returns 1, or 0 when it is there.
create or replace function pgq.create_queue(i_queue_name text)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    id integer;
    ntables integer;
    pfx text;
begin
    if i_queue_name is null then
        raise exception 'Invalid NULL value';
    end if;
    -- What the trigger on pgq.queue takes, before anything that an installation may wait for: pgq.ostler_generate_insert.
    perform pg_advisory_xact_lock(1885827445);
    if exists (select from pgq.queue where queue_name = i_queue_name) then
        return 0;
    end if;

    id := nextval('pgq.queue_queue_id_seq');
    pfx := 'pgq.event_' || id;
    insert into pgq.queue (queue_id, queue_name, queue_data_pfx, queue_event_seq, queue_tick_seq)
        values (id, i_queue_name, pfx, pfx || '_id_seq', pfx || '_tick_seq')
        on conflict on constraint queue_name_uq do nothing
        returning queue_ntables into ntables;
    if not found then
        return 0;
    end if;

    execute 'create sequence ' || pfx || '_id_seq';
    execute 'create sequence ' || pfx || '_tick_seq';
    execute 'create sequence ' || pfx || '_switch_seq minvalue 0';
    -- Nobody has written to the other tables.
    insert into pgq.ostler_queue (oq_queue, closed_at) values (id, array[null::bigint] || array_fill(0::bigint, array[ntables - 1]));
    execute 'create table ' || pfx || ' () inherits (pgq.event_template)';
    for i in 0 .. ntables - 1 loop
        execute format('create table %s_%s () inherits (%s)', pfx, i, pfx);
        execute format('alter table %s_%s alter column ev_id set default nextval(%L)', pfx, i, pfx || '_id_seq');
        execute format('create index event_%s_%s_txid_idx on %s_%s (ev_txid)', id, i, pfx, i);
    end loop;
    perform pgq.grant_perms(i_queue_name);
    perform pgq.tune_storage(i_queue_name);
    perform pgq.ticker(i_queue_name);
    return 1;
end
$$;
