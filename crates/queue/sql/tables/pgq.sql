-- PgQ's tables, as its clients know them, and ours (`ostler_*`). Safe to repeat, and on the tables of the extension.
create schema if not exists pgq;
comment on schema pgq is 'PgQ: queues';

create table if not exists pgq.consumer (
    co_id serial,
    co_name text not null,
    constraint consumer_pkey primary key (co_id),
    constraint consumer_name_uq unique (co_name)
);

create table if not exists pgq.queue (
    queue_id serial,
    queue_name text not null,
    queue_ntables integer not null default 3,
    queue_cur_table integer not null default 0,
    queue_rotation_period interval not null default '2 hours',
    queue_switch_step1 bigint not null default txid_current(),
    queue_switch_step2 bigint default txid_current(),
    queue_switch_time timestamptz not null default now(),
    queue_external_ticker boolean not null default false,
    queue_disable_insert boolean not null default false,
    queue_ticker_paused boolean not null default false,
    queue_ticker_max_count integer not null default 500,
    queue_ticker_max_lag interval not null default '3 seconds',
    queue_ticker_idle_period interval not null default '1 minute',
    queue_per_tx_limit integer,
    queue_data_pfx text not null,
    queue_event_seq text not null,
    queue_tick_seq text not null,
    queue_extra_maint text[],
    constraint queue_pkey primary key (queue_id),
    constraint queue_name_uq unique (queue_name)
);
-- Older releases of the extension lack these.
alter table pgq.queue add column if not exists queue_disable_insert boolean not null default false;
alter table pgq.queue add column if not exists queue_ticker_paused boolean not null default false;
alter table pgq.queue add column if not exists queue_per_tx_limit integer;
alter table pgq.queue add column if not exists queue_extra_maint text[];

create table if not exists pgq.tick (
    tick_queue integer not null,
    tick_id bigint not null,
    tick_time timestamptz not null default now(),
    tick_snapshot txid_snapshot not null default txid_current_snapshot(),
    tick_event_seq bigint not null,
    constraint tick_pkey primary key (tick_queue, tick_id),
    constraint tick_queue_fkey foreign key (tick_queue) references pgq.queue (queue_id)
);

create sequence if not exists pgq.batch_id_seq;

create table if not exists pgq.event_template (
    ev_id bigint not null,
    ev_time timestamptz not null,
    ev_txid bigint not null default txid_current(),
    ev_owner integer,
    ev_retry integer,
    ev_type text,
    ev_data text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text
);

create table if not exists pgq.retry_queue (
    ev_retry_after timestamptz not null,
    ev_queue integer not null,
    ev_id bigint not null,
    ev_time timestamptz not null,
    ev_txid bigint,
    ev_owner integer not null,
    ev_retry integer,
    ev_type text,
    ev_data text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text,
    constraint rq_pkey primary key (ev_owner, ev_id),
    constraint rq_queue_id_fkey foreign key (ev_queue) references pgq.queue (queue_id)
);
create index if not exists rq_retry_idx on pgq.retry_queue (ev_retry_after);
-- Ours: what is due in one queue, past what another one may not take.
create index if not exists ostler_retry_queue_idx on pgq.retry_queue (ev_queue, ev_retry_after);

-- Which migrations were applied here.
create table if not exists pgq.ostler_migration (
    version integer primary key,
    applied_at timestamptz not null default now(),
    applied_by text not null default current_user
);

-- Who is subscribed. These rows never change while consumers work; what changes is in ostler_position.
create table if not exists pgq.ostler_subscriber (
    sub_id integer not null,
    sub_queue integer not null,
    sub_consumer integer not null,
    constraint ostler_subscriber_pkey primary key (sub_queue, sub_consumer),
    constraint sub_queue_fkey foreign key (sub_queue) references pgq.queue (queue_id),
    constraint sub_consumer_fkey foreign key (sub_consumer) references pgq.consumer (co_id)
);
create index if not exists ostler_subscriber_id_idx on pgq.ostler_subscriber (sub_id);

-- Where subscribers are. Rows are only added: the newest version of a subscriber is the truth. An updated row would leave a
-- dead one behind at every batch, and under an old snapshot nothing removes those: lookups would go through all of them.
-- Two segments; the one that is not written to is emptied by TRUNCATE.
create table if not exists pgq.ostler_position (
    pos_queue integer not null,
    pos_consumer integer not null,
    pos_version bigint not null,
    pos_last_tick bigint,
    pos_active timestamptz not null,
    pos_batch bigint,
    pos_next_tick bigint
);
create table if not exists pgq.ostler_position_0 () inherits (pgq.ostler_position)
    with (fillfactor = 100, autovacuum_enabled = off);
create table if not exists pgq.ostler_position_1 () inherits (pgq.ostler_position)
    with (fillfactor = 100, autovacuum_enabled = off);
create unique index if not exists ostler_position_key on pgq.ostler_position (pos_queue, pos_consumer, pos_version);
create unique index if not exists ostler_position_0_key on pgq.ostler_position_0 (pos_queue, pos_consumer, pos_version);
create unique index if not exists ostler_position_1_key on pgq.ostler_position_1 (pos_queue, pos_consumer, pos_version);
create index if not exists ostler_position_batch on pgq.ostler_position (pos_batch) where pos_batch is not null;
create index if not exists ostler_position_0_batch on pgq.ostler_position_0 (pos_batch) where pos_batch is not null;
create index if not exists ostler_position_1_batch on pgq.ostler_position_1 (pos_batch) where pos_batch is not null;

-- The segment that is written to.
create table if not exists pgq.ostler_segment (
    only_row boolean primary key default true check (only_row),
    segment integer not null default 0 check (segment in (0, 1)),
    switched_at timestamptz not null default now()
);
insert into pgq.ostler_segment default values on conflict do nothing;

-- What a queue has beyond pgq.queue. A queue without a row has the defaults.
create table if not exists pgq.ostler_queue (
    oq_queue integer primary key references pgq.queue (queue_id) on delete cascade,
    -- When the switch before the last one was: ticks from before go at the next.
    prev_time timestamptz,
    -- Why the last rotation that was due did not happen.
    rotation_note text,
    -- For each event table, by its number: no transaction with this id or a later one has written to it. NULL: nobody knows. An
    -- entry is there only while the table is not the current one. Readers leave tables out by it.
    closed_at bigint[],
    -- A consumer that lags more than this is dead: what then?
    lag_limit interval check (lag_limit > interval '0'),
    lag_action text not null default 'alert' check (lag_action in ('alert', 'pause', 'expire')),
    -- Inserts were refused because of a dead consumer, not by an administrator.
    lag_paused boolean not null default false,
    -- How often an event is tried again before it is a dead letter; NULL: for ever, as PgQ does.
    retry_limit integer check (retry_limit >= 0),
    retry_delay interval not null default '10 seconds' check (retry_delay >= interval '0'),
    retry_factor double precision not null default 2 check (retry_factor >= 1),
    retry_delay_max interval not null default '1 hour' check (retry_delay_max >= interval '0'),
    -- Whether producers may wake the ticker, and the ticker consumers, by NOTIFY.
    wakeup boolean not null default true
);

-- The last switch of each queue that is over, for transactions whose snapshot is older: step 1's transaction id << 8 | table.
-- create_queue makes it for new queues.
do $switches$
declare
    name text;
begin
    for name in
        select format('%I.%I', split_part(queue_data_pfx, '.', 1), split_part(queue_data_pfx, '.', 2) || '_switch_seq') from pgq.queue
    loop
        execute 'create sequence if not exists ' || name || ' minvalue 0';
        execute 'grant select on ' || name || ' to public';
    end loop;
end
$switches$;

-- Events that a consumer gave up.
create table if not exists pgq.ostler_dead_letter (
    dl_id bigserial primary key,
    dl_time timestamptz not null default now(),
    dl_queue integer not null references pgq.queue (queue_id) on delete cascade,
    dl_consumer text not null,
    dl_owner integer not null,
    dl_reason text,
    ev_id bigint not null,
    ev_time timestamptz not null,
    ev_retry integer,
    ev_type text,
    ev_data text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text
);
create unique index if not exists ostler_dead_letter_event on pgq.ostler_dead_letter (dl_queue, dl_consumer, ev_id);

-- Events that are not to be seen before their time.
create table if not exists pgq.ostler_delayed (
    de_after timestamptz not null,
    de_queue integer not null references pgq.queue (queue_id) on delete cascade,
    ev_id bigint not null,
    ev_time timestamptz not null,
    ev_type text,
    ev_data text,
    ev_extra1 text,
    ev_extra2 text,
    ev_extra3 text,
    ev_extra4 text,
    constraint ostler_delayed_pkey primary key (de_queue, ev_id)
);
create index if not exists ostler_delayed_after on pgq.ostler_delayed (de_queue, de_after);

-- Consumers that were removed because they were dead, and where they were.
create table if not exists pgq.ostler_expired (
    ex_id bigserial primary key,
    ex_time timestamptz not null default now(),
    ex_queue text not null,
    ex_consumer text not null,
    ex_sub_id integer not null,
    ex_last_tick bigint,
    ex_tick_time timestamptz,
    ex_event_seq bigint,
    ex_batch bigint,
    ex_lag interval,
    ex_reason text not null
);

-- Whether the ticker sleeps: odd while it does. A sequence, because producers look at it at every event, and whoever makes it even
-- must be alone in that, at once, and without a dead row.
create sequence if not exists pgq.ostler_wakeup_seq minvalue 0 start 1;
