-- What an open batch is. NULLs for an unknown one.
create or replace function pgq.get_batch_info(x_batch_id bigint, out queue_name text, out consumer_name text, out batch_start timestamp with time zone, out batch_end timestamp with time zone, out prev_tick_id bigint, out tick_id bigint, out lag interval, out seq_start bigint, out seq_end bigint)
returns record
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    select q.queue_name, c.co_name, prev.tick_time, cur.tick_time, b.last_tick, b.next_tick,
           current_timestamp - cur.tick_time, prev.tick_event_seq, cur.tick_event_seq
      into queue_name, consumer_name, batch_start, batch_end, prev_tick_id, tick_id, lag, seq_start, seq_end
      from pgq.ostler_batch(x_batch_id) b
      join pgq.queue q on q.queue_id = b.sub_queue
      join pgq.consumer c on c.co_id = b.sub_consumer
      join pgq.tick prev on prev.tick_queue = b.sub_queue and prev.tick_id = b.last_tick
      join pgq.tick cur on cur.tick_queue = b.sub_queue and cur.tick_id = b.next_tick;
end
$$;
