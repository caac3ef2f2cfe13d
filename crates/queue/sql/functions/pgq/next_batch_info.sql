-- Opens the next batch, or gives the open one again, with its ticks. NULLs: there is nothing yet.
create or replace function pgq.next_batch_info(i_queue_name text, i_consumer_name text, out batch_id bigint, out cur_tick_id bigint, out prev_tick_id bigint, out cur_tick_time timestamp with time zone, out prev_tick_time timestamp with time zone, out cur_tick_event_seq bigint, out prev_tick_event_seq bigint)
returns record
language plpgsql
as $$
begin
    select n.batch_id, n.cur_tick_id, n.prev_tick_id, n.cur_tick_time, n.prev_tick_time, n.cur_tick_event_seq, n.prev_tick_event_seq
      into batch_id, cur_tick_id, prev_tick_id, cur_tick_time, prev_tick_time, cur_tick_event_seq, prev_tick_event_seq
      from pgq.next_batch_custom(i_queue_name, i_consumer_name, null, null, null) n;
end
$$;
