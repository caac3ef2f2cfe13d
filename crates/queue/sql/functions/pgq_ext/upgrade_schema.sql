-- Brings tables of PgQ before 3.1, which have no parts of consumers, into today's form, and returns how many changes that took. What
-- they recorded is of consumers without parts.
create or replace function pgq_ext.upgrade_schema()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    place record;
    changes integer := 0;
begin
    for place in
        select c.oid::regclass as name, k.conname as old_key, t.key, a.attnum is null as lacks_parts, a.atthasdef is not true as lacks_default
          from (values ('completed_tick', 'consumer_id, subconsumer_id'),
                       ('completed_batch', 'consumer_id, subconsumer_id'),
                       ('completed_event', 'consumer_id, subconsumer_id, batch_id, event_id'),
                       ('partial_batch', 'consumer_id, subconsumer_id')) t (name, key)
          join pg_class c on c.relname = t.name and c.relnamespace = 'pgq_ext'::regnamespace
          left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
          left join pg_attribute a on a.attrelid = c.oid and a.attname = 'subconsumer_id' and not a.attisdropped
    loop
        if place.lacks_parts then
            execute format('alter table %s add column subconsumer_id text not null default ''''', place.name);
            if place.old_key is not null then
                execute format('alter table %s drop constraint %I', place.name, place.old_key);
            end if;
            execute format('alter table %s add constraint %I primary key (%s)', place.name,
                split_part(place.name::text, '.', 2) || '_pkey', place.key);
            changes := changes + 2;
        elsif place.lacks_default then
            execute format('alter table %s alter column subconsumer_id set default ''''', place.name);
            changes := changes + 1;
        end if;
    end loop;
    return changes;
end
$$;
