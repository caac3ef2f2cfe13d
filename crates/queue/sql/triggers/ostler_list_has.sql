-- Whether a list of names, separated by commas or spaces, has a name; NULL is empty. A name with a space in it is found too.
create or replace function pgq.ostler_list_has(i_list text, i_name text)
returns boolean
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_ends text := E', \t\n\r\v\f';
begin
    for n in 1 .. coalesce(length(i_list), 0) - length(i_name) + 1 loop
        if substr(i_list, n, length(i_name)) = i_name
            and (n = 1 or strpos(v_ends, substr(i_list, n - 1, 1)) > 0)
            and (n + length(i_name) > length(i_list) or strpos(v_ends, substr(i_list, n + length(i_name), 1)) > 0)
        then
            return true;
        end if;
    end loop;
    return false;
end;
$$;
