-- Records how far a follower and all that follow it are. Never back.
create or replace function pgq_node.set_subscriber_watermark(i_queue_name text, i_node_name text, i_watermark bigint, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    mark text;
    now_at bigint;
begin
    select s.watermark_name into mark from pgq_node.subscriber_info s
     where s.queue_name = i_queue_name and s.subscriber_node = i_node_name;
    if not found then
        ret_code := 404;
        -- PgQ names no queue here.
        ret_note := 'node ' || i_node_name || ' not subscribed to queue ';
        return;
    end if;
    select c.last_tick into now_at from pgq.get_consumer_info(i_queue_name, mark) c;
    if i_watermark = now_at then
        ret_code := 100;
        ret_note := 'watermark already set';
        return;
    end if;
    if i_watermark < now_at then
        ret_code := 405;
        ret_note := 'watermark must not be moved backwards';
        return;
    end if;
    perform pgq.register_consumer_at(i_queue_name, mark, i_watermark);
    ret_code := 200;
    ret_note := mark || ' set to ' || i_watermark;
end
$$;
