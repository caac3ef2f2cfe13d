-- The interface's version, as text.
create or replace function pgq_node.version()
returns text
language sql
immutable
as $$ select '3.5'::text $$;
