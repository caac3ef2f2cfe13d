-- Which ticks make a batch, when a tick is due, and what is said when ticks are missing.
select pgq.create_queue('t');
select pgq.register_consumer('t','c');
insert into pgq.tick (tick_queue,tick_id,tick_time,tick_event_seq) select 1, i, '2020-01-01 00:00+00'::timestamptz + i*interval '10 s', i*10 from generate_series(2,30) i;
select m.*, i.*, (pgq.find_tick_helper(1,s.p,'2020-01-01 00:00+00'::timestamptz + s.p*interval '10 s', s.p*10, m, i)).* from (values (2),(15),(28),(29),(30)) s(p), unnest(array[null,1,5,10,15,50,100,140,141,150,280,300,1000]) m, unnest(array[null,'5 s','10 s','100 s','140 s','141 s','150 s','280 s','10 min']::interval[]) i;
update pgq.subscription set sub_last_tick=2;
select batch_id,cur_tick_id,prev_tick_id from pgq.next_batch_custom('t','c','100 years',null,null);
select batch_id,cur_tick_id,prev_tick_id from pgq.next_batch_custom('t','c',null,10000,null);
select batch_id,cur_tick_id,prev_tick_id from pgq.next_batch_custom('t','c',null,null,'1 year');
select batch_id,cur_tick_id,prev_tick_id from pgq.next_batch_custom('t','c','1 year',50,null);
select pgq.finish_batch(sub_batch) from pgq.subscription;
select batch_id,cur_tick_id,prev_tick_id from pgq.next_batch_custom('t','c',null,50,'1000 s');
select pgq.finish_batch(sub_batch) from pgq.subscription;
select batch_id,cur_tick_id,prev_tick_id from pgq.next_batch_custom('t','c',null,0,'0 s');
select pgq.finish_batch(sub_batch) from pgq.subscription;
update pgq.subscription set sub_active='2020-01-01 00:00+00', sub_last_tick=30;
select pgq.next_batch('t','c');
select sub_active from pgq.subscription;
update pgq.subscription set sub_last_tick=28;
select pgq.next_batch('t','c') is not null;
select sub_active > '2021-01-01' from pgq.subscription;
update pgq.subscription set sub_active='2020-01-01 00:00+00';
select pgq.next_batch('t','c') is not null;
select sub_active > '2021-01-01' from pgq.subscription;
select pgq.register_consumer_at('t','c',5);
select sub_active > '2021-01-01', sub_last_tick, sub_batch, sub_next_tick from pgq.subscription;
select pgq.next_batch('t','c') is not null;
update pgq.subscription set sub_active='2020-01-01 00:00+00';
select pgq.register_consumer('t','c');
select sub_active > '2021-01-01', sub_last_tick, sub_batch is not null from pgq.subscription;
delete from pgq.tick where tick_id = 6;
select pgq.next_batch('t','c');
select cur_tick_id, prev_tick_id, cur_tick_time from pgq.next_batch_info('t','c');
select queue_name, tick_id from pgq.get_batch_info((select sub_batch from pgq.subscription));
delete from pgq.tick where tick_id = 5;
-- ours: the tick is named
select pgq.next_batch('t','c');
-- ours: the tick is named
select cur_tick_id, prev_tick_id, cur_tick_time from pgq.next_batch_info('t','c');
select pgq.get_batch_events((select sub_batch from pgq.subscription));
select pgq.finish_batch(sub_batch) from pgq.subscription;
-- ours: the tick is named
select pgq.next_batch('t','c');
select queue_name,consumer_name,last_tick,current_batch,next_tick,pending_events,lag is null from pgq.get_consumer_info();
delete from pgq.tick;
select queue_name,consumer_name,last_tick,current_batch,next_tick,pending_events,lag is null from pgq.get_consumer_info();
select ev_per_sec,ev_new,last_tick_id,ticker_lag from pgq.get_queue_info();
select pgq.register_consumer('t','z');
select pgq.ticker('t');
-- ticker timing
update pgq.tick set tick_time = now() - interval '100 s';
select ev_per_sec,ev_new,last_tick_id from pgq.get_queue_info();
select pgq.ticker('t') is not null;
select pgq.ticker('t') is not null;
update pgq.tick set tick_time = now() - interval '1 s' where tick_id=(select max(tick_id) from pgq.tick);
select pgq.ticker('t') is not null;
update pgq.tick set tick_time = now() - interval '2 s' where tick_id=(select max(tick_id) from pgq.tick);
update pgq.tick set tick_time = now() - interval '3.5 s' where tick_id<(select max(tick_id) from pgq.tick);
select pgq.ticker('t') is not null;
update pgq.tick set tick_time = now() - interval '10 s' where tick_id=(select max(tick_id) from pgq.tick);
update pgq.tick set tick_time = now() - interval '14.9 s' where tick_id<(select max(tick_id) from pgq.tick);
select pgq.ticker('t') is not null;
update pgq.tick set tick_time = now() - interval '61 s' where tick_id=(select max(tick_id) from pgq.tick);
update pgq.tick set tick_time = now() - interval '1614.9 s' where tick_id<(select max(tick_id) from pgq.tick);
select pgq.ticker('t') is not null;
select pgq.insert_event('t','a','b') is not null;
select pgq.ticker('t') is not null;
update pgq.tick set tick_time = now() - interval '3.1 s' where tick_id=(select max(tick_id) from pgq.tick);
-- ours: the first event of all is an event
select pgq.ticker('t') is not null;
update pgq.tick set tick_snapshot='9999999999:9999999999:';
select pgq.insert_event('t','a','b') is not null;
update pgq.tick set tick_time = now() - interval '3.1 s' where tick_id=(select max(tick_id) from pgq.tick);
-- ours: another transaction id
select pgq.ticker('t') is not null;
