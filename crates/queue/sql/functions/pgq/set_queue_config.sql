-- Changes a setting of a queue: one of PgQ's, or of ours (`lag_*`, `retry_*`, `wakeup`). Returns 1.
create or replace function pgq.set_queue_config(x_queue_name text, x_param_name text, x_param_value text)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    id integer;
begin
    if x_queue_name is null or x_param_name is null then
        raise exception 'Invalid NULL value';
    end if;
    select queue_id into id from pgq.queue where queue_name = x_queue_name;
    if not found then
        raise exception 'No such event queue';
    end if;
    if x_param_name in ('ticker_max_count', 'ticker_max_lag', 'ticker_idle_period', 'ticker_paused', 'rotation_period', 'external_ticker') then
        -- A NULL value is an error of EXECUTE, which clients have met as such.
        execute 'update pgq.queue set queue_' || x_param_name || ' = ' || quote_literal(x_param_value)
             || ' where queue_name = ' || quote_literal(x_queue_name);
    elsif x_param_name in ('lag_limit', 'lag_action', 'retry_limit', 'retry_delay', 'retry_factor', 'retry_delay_max', 'wakeup') then
        insert into pgq.ostler_queue (oq_queue) values (id) on conflict do nothing;
        execute format('update pgq.ostler_queue set %I = %L where oq_queue = %s', x_param_name, x_param_value, id);
    else
        -- The misprint is PgQ's; clients match the text.
        raise exception 'cannot change parameter "%s"', x_param_name;
    end if;
    return 1;
end
$$;
