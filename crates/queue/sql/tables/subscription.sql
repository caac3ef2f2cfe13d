-- The extension has a table here. Its rows go to ostler_subscriber and ostler_position, and a view takes its name. Its queues keep
-- their pace: what their ticker settings say counts, and nobody is woken.
create sequence if not exists pgq.subscription_sub_id_seq as integer;

do $convert$
begin
    if exists (select from pg_catalog.pg_class
                where oid = pg_catalog.to_regclass('pgq.subscription') and relkind = 'r') then
        lock table pgq.subscription in access exclusive mode;
        insert into pgq.ostler_subscriber (sub_id, sub_queue, sub_consumer)
            select sub_id, sub_queue, sub_consumer from pgq.subscription;
        insert into pgq.ostler_position_0
            select sub_queue, sub_consumer, 1, sub_last_tick, sub_active, sub_batch, sub_next_tick from pgq.subscription;
        insert into pgq.ostler_queue (oq_queue, wakeup) select queue_id, false from pgq.queue
            on conflict (oq_queue) do update set wakeup = false;
        alter sequence pgq.subscription_sub_id_seq owned by none;
        drop table pgq.subscription;
    end if;
end
$convert$;

alter table pgq.ostler_subscriber alter column sub_id set default nextval('pgq.subscription_sub_id_seq');
alter sequence pgq.subscription_sub_id_seq owned by pgq.ostler_subscriber.sub_id;

create or replace view pgq.subscription as
    select s.sub_id, s.sub_queue, s.sub_consumer,
           p.pos_last_tick as sub_last_tick, p.pos_active as sub_active, p.pos_batch as sub_batch, p.pos_next_tick as sub_next_tick
      from pgq.ostler_subscriber s
     cross join lateral (
           select n.pos_last_tick, n.pos_active, n.pos_batch, n.pos_next_tick
             from pgq.ostler_position n
            where n.pos_queue = s.sub_queue and n.pos_consumer = s.sub_consumer
            order by n.pos_version desc
            limit 1) p;
alter view pgq.subscription alter column sub_id set default nextval('pgq.subscription_sub_id_seq');
alter view pgq.subscription alter column sub_active set default now();
comment on view pgq.subscription is
    'Subscriptions as PgQ shows them. Who: ostler_subscriber; where: the newest version in ostler_position.';
