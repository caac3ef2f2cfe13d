-- Removes a consumer's name when it is subscribed to nothing.
create or replace function pgq.ostler_forget_consumer(i_consumer integer)
returns void
language sql
as $$
delete from pgq.consumer c
 where c.co_id = i_consumer
   and not exists (select from pgq.ostler_subscriber s where s.sub_consumer = c.co_id)
$$;
