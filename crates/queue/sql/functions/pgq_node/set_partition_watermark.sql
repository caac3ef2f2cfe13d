-- Moves the position of a part queue's leaf here, whose combined queue is a branch: it may go so far and no further.
create or replace function pgq_node.set_partition_watermark(i_combined_queue_name text, i_part_queue_name text, i_watermark bigint, out ret_code integer, out ret_note text)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    part record;
begin
    select n.worker_name into part
      from pgq_node.node_info n
      join pgq_node.node_info c on c.queue_name = n.combined_queue and c.node_type = 'branch'
     where n.queue_name = i_part_queue_name and n.combined_queue = i_combined_queue_name and n.node_type = 'leaf';
    if not found then
        ret_code := 201;
        ret_note := 'Part-queue does not exist';
        return;
    end if;
    select s.ret_code, s.ret_note into ret_code, ret_note
      from pgq_node.set_consumer_completed(i_part_queue_name, part.worker_name, i_watermark) s;
    if ret_code < 400 then
        ret_code := 200;
        ret_note := 'Ok';
    end if;
end
$$;
