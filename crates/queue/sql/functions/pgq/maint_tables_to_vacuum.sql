-- Tables that must be vacuumed by hand, because autovacuum is off.
create or replace function pgq.maint_tables_to_vacuum()
returns setof text
language sql
as $$
select n.nspname || '.' || c.relname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where current_setting('autovacuum') = 'off' and c.relkind = 'r'
   and ((n.nspname = 'pgq' and (c.relname in ('tick', 'retry_queue', 'consumer', 'queue')
                                or (c.relname like 'ostler\_%' and c.relname not like 'ostler\_position%')))
     or (n.nspname = 'pgq_ext' and c.relname in ('completed_tick', 'completed_batch', 'completed_event', 'partial_batch'))
     or (n.nspname = 'pgq_node' and c.relname in ('node_location', 'node_info', 'local_state', 'subscriber_info'))
     or (n.nspname = 'londiste' and c.relname in ('table_info', 'seq_info', 'applied_execute', 'pending_fkeys')))
 order by 1
$$;
