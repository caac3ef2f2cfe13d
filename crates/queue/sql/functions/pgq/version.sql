-- The interface's version. Clients want text from '3' up; the extension's own says NULL when there is no extension.
create or replace function pgq.version()
returns text
language sql
immutable
as $$ select '3.5'::text $$;
