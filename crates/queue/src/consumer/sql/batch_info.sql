select i.consumer_name, i.prev_tick_id, i.tick_id, i.batch_start, i.batch_end, i.seq_start, i.seq_end,
       extract(epoch from i.lag)::float8 as lag
  from pgq.get_batch_info($1) as i
 where i.tick_id is not null
-- Nothing when the batch is not open.
