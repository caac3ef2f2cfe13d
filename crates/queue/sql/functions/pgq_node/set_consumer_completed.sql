-- Records the tick that a consumer has done, and that it has no error.
create or replace function pgq_node.set_consumer_completed(i_queue_name text, i_consumer_name text, i_tick_id bigint, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    update pgq_node.local_state s set last_tick_id = i_tick_id, cur_error = null
     where s.queue_name = i_queue_name and s.consumer_name = i_consumer_name;
    if found then
        ret_code := 100;
        ret_note := 'Consumer ' || i_consumer_name || ' completed tick = ' || i_tick_id;
    else
        ret_code := 404;
        ret_note := 'Consumer not known: ' || i_queue_name || '/' || i_consumer_name;
    end if;
end
$$;
