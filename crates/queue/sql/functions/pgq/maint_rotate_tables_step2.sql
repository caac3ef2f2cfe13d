-- Ends rotations: transactions from now on know the new table. Must be another transaction than step 1. Returns 0.
create or replace function pgq.maint_rotate_tables_step2()
returns integer
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
update pgq.queue set queue_switch_step2 = txid_current() where queue_switch_step2 is null;
select 0
$$;
