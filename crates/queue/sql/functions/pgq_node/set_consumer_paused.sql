-- Pauses or resumes a consumer; it acknowledges with set_consumer_uptodate.
create or replace function pgq_node.set_consumer_paused(i_queue_name text, i_consumer_name text, i_paused boolean, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    was boolean;
    word text := case when i_paused then 'paused' else 'resumed' end;
begin
    select s.paused into was from pgq_node.local_state s
     where s.queue_name = i_queue_name and s.consumer_name = i_consumer_name for update;
    if not found then
        ret_code := 404;
        ret_note := 'Unknown consumer: ' || i_consumer_name;
        return;
    end if;
    if was = i_paused then
        ret_code := 201;
        ret_note := 'Consumer ' || i_consumer_name || ' already ' || word;
        return;
    end if;
    update pgq_node.local_state s set paused = i_paused, uptodate = false
     where s.queue_name = i_queue_name and s.consumer_name = i_consumer_name;
    ret_code := 200;
    ret_note := 'Consumer ' || i_consumer_name || ' tagged as ' || word;
end
$$;
