-- Opens the next batch, or gives the open one again, with its ticks. NULLs: there is nothing yet.
create or replace function pgq.next_batch_info(i_queue_name text, i_consumer_name text, out batch_id bigint, out cur_tick_id bigint, out prev_tick_id bigint, out cur_tick_time timestamp with time zone, out prev_tick_time timestamp with time zone, out cur_tick_event_seq bigint, out prev_tick_event_seq bigint)
returns record
language sql
as $$ select * from pgq.next_batch_custom(i_queue_name, i_consumer_name, null, null, null) $$;
