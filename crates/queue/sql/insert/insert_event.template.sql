-- file: insert_event.sql
-- about: Inserts an event and returns its id. Runs as the owner of the schema, so every operator is named in full.
-- name: insert_event
-- arguments: queue_name text, ev_type text, ev_data text
-- rights: plpgsql security definer
-- event: null, null, null, null, ev_type, ev_data, null, null, null, null
-- file: insert_event_extra.sql
-- about: As insert_event(3), with the extra fields.
-- name: insert_event
-- arguments: queue_name text, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text
-- rights: plpgsql security definer
-- event: null, null, null, null, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4
-- file: insert_event_raw.sql
-- about: Inserts an event with every field given, for retries and copies. Runs with the rights of its caller. NULL id: the next one; NULL time: now. The sequence of ids moves in any case.
-- name: insert_event_raw
-- arguments: queue_name text, ev_id bigint, ev_time timestamp with time zone, ev_owner integer, ev_retry integer, ev_type text, ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text
-- rights: plpgsql
-- event: ev_id, ev_time, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4

-- {about}
-- This is its first form, which pgq.ostler_generate_entries replaces at once, and whenever queues come and go.
create or replace function pgq.{name}({arguments})
returns bigint
language {rights}
as $$
#variable_conflict use_variable
begin
    return pgq.ostler_insert_0(queue_name, {event});
end;
$$;
