-- Quotes a name, split at its first dot; without one it is in schema public.
create or replace function pgq.quote_fqname(i_name text)
returns text
language sql
immutable strict
as $$
select case when strpos(i_name, '.') > 0
            then quote_ident(left(i_name, strpos(i_name, '.') - 1)) || '.' || quote_ident(substr(i_name, strpos(i_name, '.') + 1))
            else 'public.' || quote_ident(i_name) end
$$;
