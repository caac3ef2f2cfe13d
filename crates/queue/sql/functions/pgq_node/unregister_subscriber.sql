-- Another node does not follow this one any more.
create or replace function pgq_node.unregister_subscriber(i_queue_name text, i_remote_node_name text, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    worker text;
    mark text;
begin
    delete from pgq_node.subscriber_info s where s.queue_name = i_queue_name and s.subscriber_node = i_remote_node_name
        returning s.worker_name, s.watermark_name into worker, mark;
    if not found then
        ret_code := 304;
        ret_note := 'Subscriber not found';
        return;
    end if;
    perform pgq.unregister_consumer(i_queue_name, worker);
    perform pgq.unregister_consumer(i_queue_name, mark);
    ret_code := 200;
    ret_note := 'Subscriber unregistered: ' || i_remote_node_name;
end
$$;
