-- The interface's version, as text.
create or replace function pgq_ext.version()
returns text
language sql
immutable
as $$ select '3.1'::text $$;
