-- Who may do what. Runs after every change of functions; needs no role to exist, and gives to those that do.
grant usage on schema pgq to public;
revoke execute on all functions in schema pgq from public;
grant execute on function
    pgq.version(), pgq.quote_fqname(text), pgq.seq_getval(text),
    pgq.get_queue_info(), pgq.get_queue_info(text),
    pgq.get_consumer_info(), pgq.get_consumer_info(text), pgq.get_consumer_info(text, text),
    pgq.queue_stats(text), pgq.lagging_consumers(), pgq.ostler_foreign_triggers()
    to public;
grant select on pgq.queue, pgq.consumer, pgq.tick, pgq.subscription, pgq.ostler_queue, pgq.ostler_subscriber,
    pgq.ostler_position, pgq.ostler_position_0, pgq.ostler_position_1, pgq.ostler_segment to public;

grant select on pgq.ostler_migration to public;

-- Producers look at it at every event.
grant select on sequence pgq.ostler_wakeup_seq to public;

do $grants$
begin
    if exists (select from pg_catalog.pg_roles where rolname = 'pgq_reader') then
        grant execute on function
            pgq.batch_event_sql(bigint), pgq.batch_event_tables(bigint), pgq.find_tick_helper(integer, bigint, timestamptz, bigint, bigint, interval),
            pgq.ostler_batch(bigint), pgq.ostler_may_hold(bigint, txid_snapshot, txid_snapshot),
            pgq.register_consumer(text, text), pgq.register_consumer_at(text, text, bigint), pgq.unregister_consumer(text, text),
            pgq.next_batch_info(text, text), pgq.next_batch(text, text), pgq.next_batch_custom(text, text, interval, integer, interval),
            pgq.get_batch_events(bigint), pgq.get_batch_info(bigint),
            pgq.get_batch_cursor(bigint, text, integer, text), pgq.get_batch_cursor(bigint, text, integer),
            pgq.event_retry(bigint, bigint, timestamptz), pgq.event_retry(bigint, bigint, integer), pgq.batch_retry(bigint, integer),
            pgq.ostler_retry_events(bigint, bigint[], integer),
            pgq.force_tick(text), pgq.finish_batch(bigint),
            pgq.event_failed(bigint, bigint, text), pgq.event_dead(bigint, bigint, text)
            to pgq_reader;
        grant select on pgq.queue, pgq.consumer, pgq.tick, pgq.subscription, pgq.event_template to pgq_reader;
        -- Enough to count them.
        grant select (ev_queue) on pgq.retry_queue to pgq_reader;
        grant select (de_queue) on pgq.ostler_delayed to pgq_reader;
        grant select (dl_queue) on pgq.ostler_dead_letter to pgq_reader;
    end if;
    if exists (select from pg_catalog.pg_roles where rolname = 'pgq_writer') then
        grant execute on function
            pgq.insert_event(text, text, text), pgq.insert_event(text, text, text, text, text, text, text), pgq.current_event_table(text),
            pgq.ostler_wake(integer), pgq.ostler_table_now(integer, bigint, text),
            pgq.insert_event_at(text, timestamptz, text, text, text, text, text, text)
            to pgq_writer;
        -- Triggers run with the rights of whoever changes the table.
        grant execute on function
            pgq.logutriga(), pgq.jsontriga(), pgq.sqltriga(),
            pgq.ostler_log_row(text, oid, text, text[], text, record, record),
            pgq.ostler_generate_row_function(text, oid, text, text[]), pgq.ostler_row_function_name(text, oid, text, text[]),
            pgq.ostler_trigger_event(text, oid, text, text[], text, text, text), pgq.ostler_trigger_arguments(text[], text),
            pgq.ostler_trigger_shape(regclass), pgq.ostler_base_type(oid), pgq.ostler_equality_operator(oid),
            pgq.ostler_changed_sql(text, text, oid), pgq.ostler_output_sql(text, oid), pgq.ostler_urlencoded_sql(text, text, oid),
            pgq.ostler_json_sql(text, oid), pgq.ostler_joined_sql(text, text[]), pgq.ostler_expression_sql(text, oid, text),
            pgq.ostler_field_sql(text, text), pgq.ostler_list_has(text, text), pgq.ostler_urlencode(text),
            pgq.ostler_when(boolean), pgq.ostler_when(text), pgq.ostler_when(anyelement),
            pgq.ostler_not_null_key(text), pgq.ostler_key_changed(),
            pgq.ostler_refresh_trigger(oid, text), pgq.ostler_bulk_statement(text, oid, text[], text),
            pgq.ostler_bulk_rows(text, oid, text[], text),
            pgq.ostler_generate_trigger(text, text, oid, text, text[]),
            pgq.ostler_trigger_function_name(text, text, oid, text, text[]),
            pgq.ostler_trigger_plan(regclass, text, text, text[], text),
            pgq.ostler_truncate_plan(regclass, text, text, text[], boolean)
            to pgq_writer;
    end if;
    if exists (select from pg_catalog.pg_roles where rolname = 'pgq_admin') then
        grant execute on all functions in schema pgq to pgq_admin;
        grant select, insert, update, delete on pgq.queue, pgq.consumer, pgq.tick, pgq.subscription, pgq.retry_queue to pgq_admin;
        grant select, insert, truncate on pgq.event_template to pgq_admin;
        grant select, insert, update, delete on pgq.ostler_queue, pgq.ostler_dead_letter, pgq.ostler_delayed, pgq.ostler_expired to pgq_admin;
    end if;
end
$grants$;
