-- The interface's version, as text.
create or replace function pgq_coop.version()
returns text
language sql
immutable
as $$ select '3.4'::text $$;
