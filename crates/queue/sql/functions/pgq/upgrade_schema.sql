-- How many things were upgraded. Here `ostler queue upgrade` does that, so it is always 0.
create or replace function pgq.upgrade_schema()
returns integer
language sql
as $$ select 0 $$;
