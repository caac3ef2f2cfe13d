-- Publishes the global watermark of a root when the published one is older than five minutes. Returns 0.
create or replace function pgq_node.maint_watermark(i_queue_name text)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from pgq_node.node_info n where n.queue_name = i_queue_name and n.node_type = 'root')
       and (select c.lag from pgq.get_consumer_info(i_queue_name, '.global_watermark') c) > interval '5 minutes'
    then
        perform pgq_node.set_global_watermark(i_queue_name, null);
    end if;
    return 0;
end
$$;
